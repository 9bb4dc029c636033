package io.moetier.cli.option;

import io.moetier.runtime.chat.AnswerOptions;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.runtime.session.SamplingParams;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How tokens are chosen and when the answer ends; names and defaults are those of llama.cpp.
@About(Topic.SAMPLING)
public final class SamplingOptions {
    @About(Topic.USUAL)
    @Option(
            names = {"-n", "--predict"},
            order = 1,
            paramLabel = "N",
            description = "Tokens to generate at most; -1: until the model ends or the context is full; default: -1 for"
                    + " a chat or a translation, " + AnswerOptions.OPEN_ENDED + " for a text that is continued.")
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
                            + " each time, which run --stats and trace record show.")
    public long seed;

    @Option(
            names = "--stop",
            paramLabel = "TEXT",
            description = "End the answer before this text; may be given several times.")
    public List<String> stops = new ArrayList<>();

    @Option(names = "--ignore-eos", description = "Go on after the model's end-of-sequence token.")
    public boolean ignoreEos;

    /// Returns the options as they are for the next answer.
    ///
    /// @throws IllegalArgumentException if one is out of range
    public AnswerOptions answer() {
        InvalidOptionException.require(seed >= -1, "seed", "-1 or more", seed);
        return new AnswerOptions(
                new SamplingParams(temperature, topK, topP, minP, repeatPenalty, repeatLastN, 0),
                seed < 0 ? OptionalLong.empty() : OptionalLong.of(seed),
                predict == null ? OptionalInt.empty() : OptionalInt.of(predict),
                stops,
                ignoreEos);
    }
}
