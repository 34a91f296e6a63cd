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

# The rest of what schemathesis knows. The command is told these, not CHECKS: a check that the command line names cannot
# be switched off for single operations in schemathesis.toml.
UNUSED = ("object_level_authorization",)

# A deletion that leaves what these operations show: schemathesis.toml says so too, which sequences do not read.
LEFT = (
    "list_device_deployments",  # a device that was taken out of its deployments keeps their history
    "add_group_devices",  # a group begins anew with the next device,
    "list_group_devices",  # and lasts when some of its devices are taken out;
    "remove_group_devices",  # to take none out of it is no error
    "get_device_inventory",  # to delete an inventory empties what the device reported: the device stays,
    "delete_device_inventory",
    "get_device_group",  # as it does when it leaves a group
    "set_device_group",
    "remove_device_group",
    "replace_tags",
    "update_tags",
)
NOT_MEANT = dict.fromkeys(LEFT, ("use_after_free",))
