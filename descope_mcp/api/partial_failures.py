"""Where batch operations report what failed of them although the status is 200."""

PARTIAL = ("failedUsers", "additionalErrors", "failures", "failedTenants", "errors")
