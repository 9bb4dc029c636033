package io.moetier.cli;

import io.moetier.engine.model.spec.ModelSpec;
import io.moetier.engine.session.EngineConfig;
import io.moetier.engine.session.Session;
import io.moetier.storage.format.SafetensorsWriter;
import io.moetier.storage.format.SafetensorsWriter.Entry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Writes the logits of every position of a prompt.
@Command(name = "logits", description = "Write the float32 logits after every token of a prompt.")
final class LogitsCommand implements Callable<Integer> {
    private static final String TENSOR = "logits";

    private final Surroundings surroundings;
    private final Streams streams;

    @Mixin
    ModelOptions model = new ModelOptions();

    @Mixin
    PromptOptions prompt = new PromptOptions();

    @Option(
            names = "--decoder-ids",
            paramLabel = "1,5,9",
            description = "For a model with an encoder, which reads the prompt: take these token ids as the decoder's"
                    + " output so far, whose logits are written. Without it: what every output begins with.")
    @Nullable
    String decoderIds;

    @Option(
            names = {"-o", "--out"},
            required = true,
            paramLabel = "FILE",
            description = "The safetensors file to write: tensor \"logits\" [tokens, vocabulary].")
    Path out = Path.of("");

    LogitsCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        EngineConfig config = model.config();
        Prompt given = prompt.require();
        try (OutputFile file = OutputFile.create(out, "--out")) {
            Stores stores = new Stores(surroundings, streams);
            try (LoadedModel loaded = stores.load(model.model, config, given instanceof Prompt.Text)) {
                int[] input = loaded.tokens(given);
                int[] tokens = decoded(loaded.engine().spec(), input);
                int vocabSize = loaded.engine().spec().vocabSize();
                writeLogits(loaded, input, tokens, file.unfinished());
                file.publish();
                streams.note(out + ": " + tokens.length + " positions of " + vocabSize + " logits");
            }
        }
        return Failure.OK;
    }

    /// Returns the tokens whose logits are written: the prompt, or what the decoder of a model with an encoder has put
    /// out so far.
    private int[] decoded(ModelSpec spec, int[] input) {
        if (spec.encoder().isEmpty()) {
            if (decoderIds != null) {
                throw new IllegalArgumentException(
                        "--decoder-ids: " + spec.family() + " has no encoder; the prompt is all that it reads");
            }
            return input;
        }
        return decoderIds == null
                ? new int[] {spec.encoder().get().decoderStartToken()}
                : TokenIds.parse(decoderIds, "--decoder-ids");
    }

    private static void writeLogits(LoadedModel loaded, int[] input, int[] tokens, Path file) throws IOException {
        Entry entry =
                Entry.of(TENSOR, "F32", tokens.length, loaded.engine().spec().vocabSize());
        try (Session session = loaded.engine().newSession();
                SafetensorsWriter writer = SafetensorsWriter.create(file, List.of(entry), Map.of())) {
            if (loaded.engine().spec().encoder().isPresent()) {
                session.encode(input);
            }
            session.prefill(tokens, (position, logits) -> write(writer, logits));
        }
    }

    private static void write(SafetensorsWriter writer, float[] logits) {
        try {
            writer.write(TENSOR, logits);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
