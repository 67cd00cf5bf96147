curl "http://localhost:8000/api/v1/jobs/?status_filter=processing&limit=10&offset=0"
