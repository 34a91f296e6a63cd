"""The fixed list of checks (design section 7)."""

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ensure_resource_availability",
    "ignored_auth",
)

# Checks that an operation's own rules contradict; schemathesis.toml says so too, which sequences do not read.
NOT_MEANT = {
    "add_group_devices": ("use_after_free",),  # a group that was deleted begins anew with the next device
    "list_device_deployments": ("use_after_free",),  # a device that was taken out of deployments keeps its history
    "list_group_devices": ("use_after_free",),  # devices that were taken out of it may not have been all
    "remove_group_devices": ("use_after_free",),  # to take nothing out of it is no error
}
