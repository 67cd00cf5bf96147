curl -X POST "http://localhost:8000/api/v1/jobs/" \
  -H "Content-Type: application/json" \
  -d '{
    "youtube_url": "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
    "job_type": "full_processing",
    "priority": 5,
    "options": {
      "audio_format": "wav",
      "language": "en",
      "max_clips": 10
    }
  }'
