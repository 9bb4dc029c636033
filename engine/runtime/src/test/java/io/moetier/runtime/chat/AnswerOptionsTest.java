package io.moetier.runtime.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.runtime.session.SamplingParams;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class AnswerOptionsTest {
    @Test
    void whatTheModelEndsHasNoOtherEnd() {
        assertEquals(-1, AnswerOptions.DEFAULT.most(true));
        assertEquals(200, AnswerOptions.DEFAULT.most(false));
        assertEquals(7, options(7, List.of()).most(true));
        assertEquals(7, options(7, List.of()).most(false));
        assertEquals(-1, options(-1, List.of()).most(false));
    }

    @Test
    void whatCannotBeIsNamed() {
        assertEquals("maxTokens: expected -1 or more, found -2", refusal(-2, List.of()));
        assertEquals("stops: expected a text, found none", refusal(1, List.of("")));
    }

    private static String refusal(int maxTokens, List<String> stops) {
        return String.valueOf(assertThrows(IllegalArgumentException.class, () -> options(maxTokens, stops))
                .getMessage());
    }

    private static AnswerOptions options(int maxTokens, List<String> stops) {
        return new AnswerOptions(SamplingParams.DEFAULT, OptionalLong.empty(), OptionalInt.of(maxTokens), stops, false);
    }
}
