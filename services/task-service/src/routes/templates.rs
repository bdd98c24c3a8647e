//! `/api/templates`: the plans that deals are made from, shipped and an organization's own.
