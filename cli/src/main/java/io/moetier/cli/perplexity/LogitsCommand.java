package io.moetier.cli.perplexity;

import io.moetier.cli.models.LibraryTerminal;
import io.moetier.cli.option.About;
import io.moetier.cli.option.DecoderOptions;
import io.moetier.cli.option.ImageOptions;
import io.moetier.cli.option.ModelOptions;
import io.moetier.cli.option.OptionFlags;
import io.moetier.cli.option.Prompt;
import io.moetier.cli.option.PromptOptions;
import io.moetier.cli.option.Topic;
import io.moetier.cli.report.ExpertsUsed;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.OutputFile;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.runtime.chat.ShownText;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.library.Stores;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.Session;
import io.moetier.storage.format.SafetensorsWriter;
import io.moetier.storage.format.SafetensorsWriter.Entry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Writes the logits of every position of a prompt.
@About(Topic.REPORTS)
@Command(
        customSynopsis = "moetier logits [OPTIONS] MODEL --out=FILE",
        name = "logits",
        description = "Write the float32 logits after every token of a prompt.")
public final class LogitsCommand implements Callable<Integer> {
    private static final String TENSOR = "logits";
    private static final String FURTHER = "mtp_logits";

    private final Surroundings surroundings;
    private final Streams streams;

    @Mixin
    ModelOptions model = new ModelOptions();

    @Mixin
    PromptOptions prompt = new PromptOptions();

    @Mixin
    ImageOptions images = new ImageOptions();

    @Mixin
    DecoderOptions decoder = new DecoderOptions();

    @Option(
            names = "--mtp",
            description =
                    "Write what the model's layer for multi-token prediction gives instead, for every token but the"
                            + " last: logits of the token behind the next one, tensor \"mtp_logits\". The first time, a store with"
                            + " that layer is made beside the other.")
    boolean mtp;

    @Option(
            names = {"-o", "--out"},
            required = true,
            paramLabel = "FILE",
            description = "The safetensors file to write: tensor \"logits\" [tokens, vocabulary].")
    Path out = Path.of("");

    public LogitsCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        EngineConfig config = model.config(surroundings, streams);
        model.requireNoLimit("logits");
        Prompt given = prompt.require();
        images.requireSense(given instanceof Prompt.Ids);
        images.requireStandardInput(true);
        if (mtp && !(images.isEmpty() && images.tower().isEmpty())) {
            throw new IllegalArgumentException(
                    "--mtp: expected no pictures, which multi-token prediction does not read");
        }
        ImageOptions.Shown pictures = images.read(streams.in());
        try (OutputFile file = OutputFile.create(out, "--out")) {
            model.model = LibraryTerminal.located(model.model, surroundings, streams);
            Stores stores = LibraryTerminal.stores(surroundings, streams);
            try (LoadedModel loaded = load(stores, config, given instanceof Prompt.Text)) {
                if (mtp && loaded.engine().spec().mtp().isEmpty()) {
                    throw new IllegalArgumentException(
                            "--mtp: " + model.model + " is a store without that layer; name the checkpoint");
                }
                ShownText input = pictures.in(given, loaded);
                int[] tokens = decoder.decoded(loaded.engine().spec(), input.tokens());
                int vocabSize = loaded.engine().spec().vocabSize();
                int positions = writeLogits(loaded, input, tokens, file.unfinished());
                file.publish();
                streams.note(out + ": " + positions + (positions == 1 ? " position of " : " positions of ") + vocabSize
                        + " logits"
                        + ExpertsUsed.warning(OptionFlags.lossy(loaded.engine().selection())));
            }
        }
        return Failure.OK;
    }

    private LoadedModel load(Stores stores, EngineConfig config, boolean text) {
        return mtp
                ? stores.loadWithMtp(model.model, config, text)
                : stores.load(model.model, images.tower(), config, text);
    }

    /// Returns how many positions there are.
    private int writeLogits(LoadedModel loaded, ShownText input, int[] tokens, Path file) throws IOException {
        Map<String, String> metadata = OptionFlags.lossy(loaded.engine().selection())
                .map(options -> Map.of("lossy", options))
                .orElse(Map.of());
        try (Session session = loaded.engine().newSession()) {
            int positions = tokens.length - (mtp ? 1 : 0);
            String tensor = mtp ? FURTHER : TENSOR;
            Entry entry =
                    Entry.of(tensor, "F32", positions, loaded.engine().spec().vocabSize());
            try (SafetensorsWriter writer = begin(file, entry, metadata)) {
                DecoderOptions.encode(loaded.engine().spec(), session, input.tokens());
                if (!input.images().isEmpty()) {
                    session.look(tokens, input.images());
                }
                Session.LogitsSink sink = (_, logits) -> write(writer, tensor, logits, out);
                if (mtp) {
                    session.predictFurther(tokens, sink);
                } else {
                    session.prefill(tokens, sink);
                }
            }
            return positions;
        }
    }

    private SafetensorsWriter begin(Path file, Entry entry, Map<String, String> metadata) throws IOException {
        try {
            return SafetensorsWriter.create(file, List.of(entry), metadata);
        } catch (IOException e) {
            throw OutputFile.failure(out, e);
        }
    }

    private static void write(SafetensorsWriter writer, String tensor, float[] logits, Path target) {
        try {
            writer.write(tensor, logits);
        } catch (IOException e) {
            throw new UncheckedIOException(OutputFile.failure(target, e));
        }
    }
}
