package io.moetier.runtime.text.jinja;

import com.hubspot.jinjava.interpret.InterpretException;

/// A template that is wrong, or wants more than it may; the renderer adds file and line.
///
/// It is one of Jinjava's exceptions because those alone pass through Jinjava's nodes as they are.
class JinjaException extends InterpretException {
    private static final long serialVersionUID = 1L;

    private static final int MAX_LENGTH = 300;

    JinjaException(String message) {
        super(shortened(message));
    }

    JinjaException(String message, int line) {
        super(shortened(message), line);
    }

    /// Returns at most as much as an error should show of a template.
    private static String shortened(String message) {
        return message.length() > MAX_LENGTH ? message.substring(0, MAX_LENGTH) + "…" : message;
    }

    /// The template's own refusal of a conversation.
    static final class Refusal extends JinjaException {
        private static final long serialVersionUID = 1L;

        Refusal(String message) {
            super(message);
        }
    }
}
