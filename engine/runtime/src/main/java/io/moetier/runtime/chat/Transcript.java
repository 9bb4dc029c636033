package io.moetier.runtime.chat;

import io.moetier.runtime.text.ChatMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What has been said: perhaps a system message, then prompts and answers.
public record Transcript(List<ChatMessage> messages) {
    public static final String SYSTEM = "system";
    public static final String USER = "user";
    public static final String ASSISTANT = "assistant";

    /// Nothing has been said.
    public static final Transcript EMPTY = new Transcript(List.of());

    public Transcript {
        messages = List.copyOf(messages);
    }

    /// Returns the text of the system message, if there is one.
    public Optional<String> system() {
        return messages.stream()
                .limit(1)
                .filter(message -> message.role().equals(SYSTEM))
                .map(ChatMessage::content)
                .findFirst();
    }

    /// Returns the same prompts and answers behind another system message; behind none if `text` is empty.
    public Transcript withSystem(String text) {
        List<ChatMessage> changed = new ArrayList<>();
        if (!text.isEmpty()) {
            changed.add(new ChatMessage(SYSTEM, text));
        }
        changed.addAll(turns());
        return new Transcript(changed);
    }

    /// Returns this with a message more.
    public Transcript with(String role, String content) {
        return with(new ChatMessage(role, content));
    }

    /// Returns this with a message more.
    public Transcript with(ChatMessage message) {
        List<ChatMessage> longer = new ArrayList<>(messages);
        longer.add(message);
        return new Transcript(longer);
    }

    /// Returns what is left without prompts and answers: the system message.
    public Transcript withoutTurns() {
        return new Transcript(messages.subList(0, messages.size() - turns().size()));
    }

    /// Returns how many messages have this role.
    public int count(String role) {
        return (int)
                messages.stream().filter(message -> message.role().equals(role)).count();
    }

    /// Returns the last prompt with what had been said before it, if there is one.
    public Optional<Question> lastQuestion() {
        for (int i = messages.size() - 1; i >= 0; i--) {
            if (messages.get(i).role().equals(USER)) {
                Transcript before = new Transcript(messages.subList(0, i));
                return Optional.of(new Question(before, messages.get(i)));
            }
        }
        return Optional.empty();
    }

    private List<ChatMessage> turns() {
        return messages.subList(system().isPresent() ? 1 : 0, messages.size());
    }

    /// A prompt and what had been said before it.
    public record Question(Transcript before, ChatMessage prompt) {
        /// Returns what an answer continues.
        public Transcript asked() {
            return before.with(prompt);
        }
    }
}
