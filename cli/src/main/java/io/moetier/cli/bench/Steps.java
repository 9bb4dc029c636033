package io.moetier.cli.bench;

import java.util.List;

/// What an engine did in a race: a prompt at once, then token after token.
///
/// @param promptSeconds of the prompt
/// @param tokens what was generated behind it
record Steps(int promptTokens, double promptSeconds, List<Step> tokens) {
    /// A token that was generated.
    ///
    /// @param bytes that came from the disk meanwhile
    record Step(double seconds, long bytes) {}

    Steps {
        tokens = List.copyOf(tokens);
    }

    /// Returns the tokens of the prompt a second.
    double promptRate() {
        return promptTokens / promptSeconds;
    }

    /// Returns the generated tokens a second, 0 where there are none.
    double rate() {
        return rate(tokens);
    }

    /// Returns the same of the later half, by when caches hold what they will.
    double steadyRate() {
        return rate(laterHalf());
    }

    /// Returns the bytes a second that came from the disk for the later half, 0 where there is none.
    double steadyBytesPerSecond() {
        List<Step> steps = laterHalf();
        return steps.isEmpty() ? 0 : steps.stream().mapToLong(Step::bytes).sum() / seconds(steps);
    }

    private List<Step> laterHalf() {
        return tokens.subList(tokens.size() / 2, tokens.size());
    }

    private static double rate(List<Step> steps) {
        return steps.isEmpty() ? 0 : steps.size() / seconds(steps);
    }

    private static double seconds(List<Step> steps) {
        return steps.stream().mapToDouble(Step::seconds).sum();
    }
}
