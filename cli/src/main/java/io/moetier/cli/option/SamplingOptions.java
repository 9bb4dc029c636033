package io.moetier.cli.option;

import io.moetier.runtime.session.SamplingParams;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How tokens are chosen and when the answer ends; names and defaults are those of llama.cpp.
@About(Topic.SAMPLING)
public final class SamplingOptions {
    /// Tokens of a text whose end no model knows, unless it is said how many.
    private static final int OPEN_ENDED = 200;

    @About(Topic.USUAL)
    @Option(
            names = {"-n", "--predict"},
            order = 1,
            paramLabel = "N",
            description = "Tokens to generate at most; -1: until the model ends or the context is full; default: -1 for"
                    + " a chat or a translation, " + OPEN_ENDED + " for a text that is continued.")
    @Nullable
    public Integer predict;

    @About(Topic.USUAL)
    @Option(
            names = "--temp",
            order = 2,
            paramLabel = "T",
            defaultValue = "0.8",
            description = "Temperature; 0 always takes the most probable token; default: ${DEFAULT-VALUE}.")
    public double temperature;

    @Option(
            names = "--top-k",
            paramLabel = "N",
            defaultValue = "40",
            description = "Choose among the N most probable tokens; 0: all; default: ${DEFAULT-VALUE}.")
    public int topK;

    @Option(
            names = "--top-p",
            paramLabel = "P",
            defaultValue = "0.95",
            description = "Choose among the most probable tokens that reach P together; default: ${DEFAULT-VALUE}.")
    public double topP;

    @Option(
            names = "--min-p",
            paramLabel = "P",
            defaultValue = "0.05",
            description = "Drop tokens less probable than P times the most probable; default: ${DEFAULT-VALUE}.")
    double minP;

    @Option(
            names = "--repeat-penalty",
            paramLabel = "X",
            defaultValue = "1.0",
            description = "Make recent tokens less probable; 1: leave them; default: ${DEFAULT-VALUE}.")
    public double repeatPenalty;

    @Option(
            names = "--repeat-last-n",
            paramLabel = "N",
            defaultValue = "64",
            description = "How many tokens count as recent; -1: all; default: ${DEFAULT-VALUE}.")
    public int repeatLastN;

    @Option(
            names = {"-s", "--seed"},
            paramLabel = "N",
            defaultValue = "-1",
            description =
                    "Start of the random sequence; the same seed gives the same text; -1, the default: another one"
                            + " each time, which --stats shows.")
    public long seed;

    @Option(
            names = "--stop",
            paramLabel = "TEXT",
            description = "End the answer before this text; may be given several times.")
    public List<String> stops = new ArrayList<>();

    @Option(names = "--ignore-eos", description = "Go on after the model's end-of-sequence token.")
    public boolean ignoreEos;

    /// Returns how many tokens an answer has at most, -1 for as many as the context holds.
    ///
    /// @param ends whether the model is known to end its answers, as it does those of a chat
    public int most(boolean ends) {
        return predict != null ? predict : ends ? -1 : OPEN_ENDED;
    }

    /// Returns the options as the sampler takes them, with a seed drawn now if none was given.
    ///
    /// @throws IllegalArgumentException if one is out of range
    public SamplingParams params() {
        return params(seed < 0 ? drawSeed() : seed);
    }

    /// Returns a seed that is another one each time.
    public static long drawSeed() {
        return new SplittableRandom().nextInt(Integer.MAX_VALUE);
    }

    /// Returns the options with another seed.
    public SamplingParams params(long start) {
        if (predict != null && predict < -1) {
            throw new IllegalArgumentException("-n must be -1 or more, not " + predict);
        }
        if (stops.contains("")) {
            throw new IllegalArgumentException("--stop: expected a text, found none");
        }
        return new SamplingParams(temperature, topK, topP, minP, repeatPenalty, repeatLastN, start);
    }
}
