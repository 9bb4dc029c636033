package io.moetier;

/// What somebody said in a chat.
///
/// @param role `system`, `user` or `assistant`
public record Message(String role, String content) {}
