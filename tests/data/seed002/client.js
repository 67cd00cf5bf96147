// JavaScript client example
const eventSource = new EventSource(`/jobs/${videoId}/stream`);

eventSource.onmessage = (event) => {
  const jobState = JSON.parse(event.data);
  
  // Display status message
  console.log(`Status: ${jobState.status} - ${jobState.message}`);
  
  // Show progress based on current phase
  if (jobState.status === 'extracting' && jobState.current_frame && jobState.frame_count > 0) {
    const percent = (jobState.current_frame / jobState.frame_count) * 100;
    console.log(`Frame analysis: ${Math.round(percent)}% (${jobState.current_frame}/${jobState.frame_count} frames)`);
  } else if (jobState.status === 'uploading' && jobState.slides_processed && jobState.total_slides > 0) {
    const percent = (jobState.slides_processed / jobState.total_slides) * 100;
    console.log(`Upload: ${Math.round(percent)}% (${jobState.slides_processed}/${jobState.total_slides} slides)`);
  }

  if (jobState.status === 'completed') {
    console.log('Job completed! Metadata:', jobState.metadata_uri);
    eventSource.close();
  } else if (jobState.status === 'failed') {
    console.error('Job failed:', jobState.error);
    eventSource.close();
  }
};

eventSource.onerror = (error) => {
  console.error('Streaming error:', error);
  eventSource.close();
};
