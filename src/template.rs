//! A template and named values in, text out: `{{name}}` substitution where unknown or unused names are errors.
