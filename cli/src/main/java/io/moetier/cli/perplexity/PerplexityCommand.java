package io.moetier.cli.perplexity;

import io.moetier.cli.models.LibraryTerminal;
import io.moetier.cli.option.About;
import io.moetier.cli.option.LimitedText;
import io.moetier.cli.option.ModelOptions;
import io.moetier.cli.option.Topic;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Progress;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.library.LossCalibration;
import io.moetier.runtime.library.Stores;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.storage.expert.ExpertStore;
import io.moetier.storage.format.Json;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Measures how well a model predicts a text.
@About(Topic.REPORTS)
@Command(
        name = "perplexity",
        description = {
            "Measure how well a model predicts a text, as llama.cpp does: in windows of --ctx tokens (512 unless given,"
                    + " or the model's context if that is less), of which the second half is scored.",
            "With --reference also how far its predictions are from those of another model of the same vocabulary."
        })
public final class PerplexityCommand implements Callable<Integer> {
    private static final int DEFAULT_WINDOW = 512;

    /// Twice the largest texts that models of language are measured on.
    private static final LimitedText LIMIT = new LimitedText(1024);

    private final Surroundings surroundings;
    private final Streams streams;

    @Mixin
    ModelOptions model = new ModelOptions();

    @About(Topic.PROMPT)
    @Option(
            names = "--file",
            required = true,
            paramLabel = "FILE",
            description = "The text, in UTF-8; other bytes become U+FFFD.")
    Path file = Path.of("");

    @Option(
            names = "--reference",
            paramLabel = "MODEL",
            description = "Compare with this model, most often the same one with less compressed weights;"
                    + " --ram is for each of the two, and without it they share what is free.")
    @Nullable
    Path reference;

    @Option(
            names = "--calibrate",
            description =
                    "Measure on the text what leaving out experts of little weight costs this model, with --copies also"
                            + " what these cost in place of its experts, and keep it for --max-kld.")
    boolean calibrate;

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    public PerplexityCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        requireAlone();
        if (calibrate) {
            model.limitLater();
        }
        String text = read();
        Stores stores = LibraryTerminal.stores(surroundings, streams);
        EngineConfig config = model.config(surroundings, streams);
        model.model = LibraryTerminal.located(model.model, surroundings, streams);
        if (reference != null) {
            reference = LibraryTerminal.located(reference, surroundings, streams);
        }
        try (ComparedModels models = ComparedModels.load(stores, model.model, reference, config)) {
            LoadedModel loaded = models.model();
            LoadedModel other = models.reference();
            int[] tokens = loaded.requireTokenizer().encode(text, true);
            if (other != null) {
                requireSameVocabulary(loaded, other, tokens, text);
            }
            Windows windows = windows(loaded, tokens, windowLength(models));
            if (calibrate) {
                calibrate(windows, loaded);
                return Failure.OK;
            }
            Perplexity perplexity = new Perplexity(windows, loaded, other);
            run(perplexity, windows);
            streams.print(json ? Json.write(perplexity.fields()) + "\n" : perplexity.table());
        }
        return Failure.OK;
    }

    private void requireAlone() {
        if (calibrate && (reference != null || model.isLossy())) {
            throw new IllegalArgumentException(
                    "--calibrate compares the model as it was trained with itself: expected no "
                            + (reference != null ? "--reference" : "option that sends tokens to fewer experts"));
        }
    }

    private void calibrate(Windows windows, LoadedModel loaded) throws IOException {
        String fingerprint = fingerprint(loaded.engine().store(), model.model);
        Optional<String> ofCopies = loaded.engine()
                .storeOfCopies()
                .map(copies ->
                        fingerprint(copies, loaded.engine().selection().copies().orElseThrow()));
        LossCalibration calibration;
        try (Progress progress = progress()) {
            long total = (long) Calibrating.rounds(ofCopies.isPresent()) * windows.count() * windows.length();
            calibration = Calibrating.run(
                    windows,
                    loaded,
                    ofCopies,
                    String.valueOf(file.getFileName()),
                    done -> progress.update((long) done * windows.length(), total));
        }
        calibration.keep(surroundings.cacheDirectory(), fingerprint);
        streams.print(json ? Json.write(calibration.toMap()) + "\n" : Calibrating.table(calibration));
    }

    private static String fingerprint(ExpertStore store, Path name) {
        return store.fingerprint()
                .orElseThrow(() -> MalformedModelException.of(name, "fingerprint", "one in its manifest", "none"));
    }

    private Progress progress() {
        return Progress.ofTokens(streams.err(), "score", surroundings.errorIsTerminal(), System::nanoTime);
    }

    /// Writes a value and its error with the same number of decimals.
    static String plusMinus(double value, double error) {
        return number(value) + String.format(Locale.ROOT, " +- " + format(value), error);
    }

    static String number(double value) {
        return String.format(Locale.ROOT, format(value), value);
    }

    private static String format(double value) {
        return value < 1 ? "%.6f" : "%.4f";
    }

    /// Reads the text without its last line feed, as llama.cpp does. Texts for this purpose are often cut to a round
    /// number of bytes, be it within a character, so that is no error.
    private String read() {
        try {
            String text = new String(LIMIT.read(file), StandardCharsets.UTF_8);
            return text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void run(Perplexity perplexity, Windows windows) {
        try (Progress progress = progress()) {
            long total = (long) windows.count() * windows.length();
            perplexity.run(done -> progress.update((long) done * windows.length(), total));
        }
    }

    private int windowLength(ComparedModels models) {
        return model.contextLength > 0 ? model.contextLength : Math.min(DEFAULT_WINDOW, models.contextLength());
    }

    private static Windows windows(LoadedModel loaded, int[] tokens, int length) {
        OptionalInt first = loaded.requireTokenizer()
                .bosId()
                .filter(bos -> tokens.length > 0 && tokens[0] == bos)
                .map(OptionalInt::of)
                .orElse(OptionalInt.empty());
        return new Windows(tokens, length, first);
    }

    private void requireSameVocabulary(LoadedModel loaded, LoadedModel other, int[] tokens, String text) {
        int size = loaded.engine().spec().vocabSize();
        int otherSize = other.engine().spec().vocabSize();
        if (size != otherSize) {
            throw new IllegalArgumentException("--reference: expected the " + size + " tokens of " + model.model
                    + ", found a vocabulary of " + otherSize);
        }
        if (other.tokenizer()
                .filter(tokenizer -> !Arrays.equals(tokens, tokenizer.encode(text, true)))
                .isPresent()) {
            throw new IllegalArgumentException("--reference: expected the tokens of " + model.model
                    + ", found a tokenizer that cuts the text differently");
        }
    }
}
