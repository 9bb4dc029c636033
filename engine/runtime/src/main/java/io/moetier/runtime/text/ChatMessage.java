package io.moetier.runtime.text;

/// One turn of a conversation.
///
/// @param role who speaks, in the words of chat templates: `system`, `user` or `assistant`
/// @param content what is said
public record ChatMessage(String role, String content) {}
