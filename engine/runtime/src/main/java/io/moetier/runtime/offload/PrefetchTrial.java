package io.moetier.runtime.offload;

import java.util.Arrays;
import java.util.Locale;

/// Finds out whether prefetching pays: it is switched on and off in turns, and the times of tokens are compared.
///
/// Loads that nobody needed take memory bandwidth and slots, so a prefetcher that guesses well may still cost more than
/// it brings. Confined to the thread that computes.
public final class PrefetchTrial {
    /// Tokens until the first experts are in memory.
    private static final int WARM_UP = 32;

    private static final int TOKENS_OF_A_TURN = 16;
    private static final int TURNS = 8; // four each

    /// It must save so much of a token's time.
    private static final double LEAST_GAIN = 0.02;

    private final PrefetchChoice choice;
    private final boolean onForPrompts;
    private final long[] with = new long[TURNS / 2]; // nanoseconds of each turn
    private final long[] without = new long[TURNS / 2];
    private int tokens;
    private boolean on;

    /// @param allFit whether every expert has a slot, so that each is loaded once at most: for tokens nothing is tried
    ///     then, for prompts the disk has to bring nearly all of them
    public PrefetchTrial(PrefetchChoice choice, boolean allFit) {
        onForPrompts = choice != PrefetchChoice.OFF;
        this.choice = choice == PrefetchChoice.AUTO && allFit ? PrefetchChoice.OFF : choice;
        on = this.choice != PrefetchChoice.OFF;
    }

    /// Says whether experts are to be loaded ahead of the next token.
    public boolean isOn() {
        return on;
    }

    /// Says whether experts are to be loaded ahead of the layers of a prompt, which need nearly all of them.
    public boolean isOnForPrompts() {
        return onForPrompts;
    }

    /// Records how long a token took.
    public void onToken(long nanos) {
        if (choice != PrefetchChoice.AUTO || isDecided()) {
            return;
        }
        int turn = (tokens - WARM_UP) / TOKENS_OF_A_TURN;
        if (tokens >= WARM_UP) {
            (turn % 2 == 0 ? with : without)[turn / 2] += nanos;
        }
        tokens++;
        if (isDecided()) {
            Arrays.sort(with);
            Arrays.sort(without);
            on = median(with) < median(without) * (1 - LEAST_GAIN);
        } else if (tokens >= WARM_UP) {
            on = (tokens - WARM_UP) / TOKENS_OF_A_TURN % 2 == 0;
        }
    }

    /// Returns what came out of it and why, for people; empty as long as nothing is decided.
    public String verdict() {
        return !isDecided()
                ? ""
                : String.format(
                        Locale.ROOT,
                        "%s: a token took %.2f ms with it, %.2f ms without",
                        on ? "on" : "off",
                        median(with) / TOKENS_OF_A_TURN / 1e6,
                        median(without) / TOKENS_OF_A_TURN / 1e6);
    }

    private boolean isDecided() {
        return tokens == WARM_UP + TURNS * TOKENS_OF_A_TURN;
    }

    private static double median(long[] sorted) {
        return (sorted[sorted.length / 2 - 1] + sorted[sorted.length / 2]) / 2.0;
    }
}
