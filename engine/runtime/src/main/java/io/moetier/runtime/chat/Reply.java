package io.moetier.runtime.chat;

import io.moetier.runtime.metrics.RunStats;
import io.moetier.runtime.session.Generator.Outcome;
import io.moetier.runtime.session.MemoryUse;
import java.util.List;

/// An answer, and what it took.
///
/// @param text without the stop text that ended it; the ids separated by blanks where there is no tokenizer
/// @param promptLength tokens of the prompt, those among them that were computed before included
/// @param stats what tiers and loaders did for it
/// @param ids its tokens
/// @param seed that it can be drawn with again, as the first one of a conversation
public record Reply(
        String text,
        int promptLength,
        Outcome outcome,
        RunStats stats,
        MemoryUse memory,
        List<Integer> ids,
        long seed) {}
