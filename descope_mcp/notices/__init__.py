"""People are told of requests that wait for them: by webhooks and e-mail, which decide nothing."""
