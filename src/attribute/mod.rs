//! A profile and the items of the source in; cost per function, requests and what could not be placed out.
