"""Django REST framework and the OpenAPI schema."""

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "orsta.core.api.schema.ProblemSchema",
    "EXCEPTION_HANDLER": "orsta.core.api.errors.handle",
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.permissions.HasPrincipal"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["orsta.core.api.parsers.JsonBodyParser"],
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Orsta",
    "DESCRIPTION": "WhatsApp sessions as a service.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "orsta.core.api.schema.add_headers",
    ],
    "ENUM_NAME_OVERRIDES": {
        "SessionStatus": "sessions_app.states.SessionStatus",
        "MessageStatus": "sessions_app.messaging.states.MessageStatus",
        "SubscriptionStatus": "subscriptions.api.serializers.STATUSES",
        "TenantStatus": "accounts.models.TenantStatus",
        "ExportStatus": "accounts.models.ExportStatus",
        "ChallengeKind": "sessions_app.states.ChallengeKind",
        "DraftKind": "sessions_app.messaging.services.payloads.KINDS",
    },
}
