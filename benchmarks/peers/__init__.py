"""The same contract served by this project and by others that make tools of OpenAPI documents."""
