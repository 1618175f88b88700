"""The API's OpenAPI document, and a page that shows it. Needs the extra ``openapi``."""
