package io.moetier.cli.trace;

import io.moetier.cli.models.LibraryTerminal;
import io.moetier.cli.option.About;
import io.moetier.cli.option.ImageOptions;
import io.moetier.cli.option.ModelOptions;
import io.moetier.cli.option.OptionFlags;
import io.moetier.cli.option.Prompt;
import io.moetier.cli.option.PromptOptions;
import io.moetier.cli.option.SamplingOptions;
import io.moetier.cli.option.Topic;
import io.moetier.cli.report.ExpertsUsed;
import io.moetier.cli.terminal.CleanStop;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.OutputFile;
import io.moetier.cli.terminal.Plural;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.runtime.chat.Conversation;
import io.moetier.runtime.chat.Reply;
import io.moetier.runtime.chat.ShownText;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.library.Stores;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.SessionTrace;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceRecorder;
import io.moetier.storage.format.Checkpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Records the routing trace of a run.
@About(Topic.REPORTS)
@Command(
        customSynopsis = "moetier trace record [OPTIONS] MODEL [PROMPT] --out=FILE",
        name = "record",
        description = "Run a prompt and record its routing, format moe-trace/1.")
public final class TraceRecordCommand implements Callable<Integer> {
    private final Surroundings surroundings;
    private final Streams streams;

    @Mixin
    ModelOptions model = new ModelOptions();

    @Parameters(index = "1", arity = "0..1", paramLabel = "PROMPT", description = "The text to continue.")
    @Nullable
    String words;

    @Mixin
    PromptOptions prompt = new PromptOptions();

    @Mixin
    ImageOptions images = new ImageOptions();

    @Mixin
    SamplingOptions sampling = new SamplingOptions();

    @Option(
            names = {"-o", "--out"},
            required = true,
            paramLabel = "FILE",
            description = "The trace to write, for example t.jsonl.gz.")
    Path out = Path.of("");

    public TraceRecordCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        EngineConfig config = model.config(surroundings, streams);
        sampling.answer(); // before anything is imported
        Prompt given = prompt.require(words);
        images.requireSense(given instanceof Prompt.Ids);
        images.requireStandardInput(true);
        OutputFile.check(out, "--out");
        ImageOptions.Shown pictures = images.read(streams.in());
        model.model = LibraryTerminal.located(model.model, surroundings, streams);
        Stores stores = LibraryTerminal.stores(surroundings, streams);
        try (LoadedModel loaded = stores.load(model.model, images.tower(), config, given instanceof Prompt.Text);
                Conversation conversation = new Conversation(loaded, sampling::answer, Optional.empty())) {
            ModelSpec spec = loaded.engine().spec();
            ShownText shown = pictures.in(given, loaded);
            Optional<String> lossy = OptionFlags.lossy(loaded.engine().selection());
            TraceHeader header = SessionTrace.header(Checkpoint.nameOf(model.model), spec, "")
                    .withLossy(lossy);
            Reply reply;
            try (CleanStop _ = CleanStop.open();
                    TraceRecorder recorder = new TraceRecorder(out, header)) {
                conversation.listen(new SessionTrace(recorder, spec));
                reply = conversation.answer(
                        shown.tokens(), shown.images(), text -> {}, Thread.currentThread()::isInterrupted);
                if (Thread.currentThread().isInterrupted()) {
                    return Failure.INTERRUPTED;
                }
                recorder.finish();
            }
            String drawn = sampling.temperature > 0 ? ", drawn with --seed " + reply.seed() : "";
            streams.note(
                    out + ": " + Plural.of(conversation.numTokens(), "token") + drawn + ExpertsUsed.warning(lossy));
            return Failure.OK;
        }
    }
}
