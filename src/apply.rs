//! Sign-offs in, a commit plan with its message and trailers out.
