package io.moetier.langchain4j;

import io.moetier.AnswerSettings;
import io.moetier.Message;
import java.util.List;

/// What a request asks.
///
/// @param before what had been said
/// @param text what the user says
record Question(List<Message> before, String text, AnswerSettings settings) {}
