package io.moetier.cli;

import io.moetier.engine.session.Engine;
import io.moetier.engine.session.EngineConfig;
import io.moetier.engine.session.Generator;
import io.moetier.engine.session.Sampler;
import io.moetier.engine.session.SamplingParams;
import io.moetier.engine.session.Session;
import io.moetier.engine.trace.TraceHeader;
import io.moetier.engine.trace.TraceRecorder;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Records the routing trace of a run.
@Command(name = "record", description = "Run a prompt and record its routing, format moe-trace/1.")
final class TraceRecordCommand implements Callable<Integer> {
    private final Surroundings surroundings;
    private final Streams streams;

    @Mixin
    ModelOptions model = new ModelOptions();

    @Mixin
    PromptOptions prompt = new PromptOptions();

    @Mixin
    SamplingOptions sampling = new SamplingOptions();

    @Option(
            names = {"-o", "--out"},
            required = true,
            paramLabel = "FILE",
            description = "The trace to write, for example t.jsonl.gz.")
    Path out = Path.of("");

    TraceRecordCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() {
        EngineConfig config = model.config();
        SamplingParams params = sampling.params();
        Path store = new Stores(surroundings, streams).open(model.model);
        try (LoadedModel loaded = LoadedModel.open(model.model, store, config);
                Session session = loaded.engine().newSession()) {
            Engine engine = loaded.engine();
            int[] tokens = loaded.tokens(prompt);
            TraceHeader header = TraceRecording.header(String.valueOf(model.model.getFileName()), engine.spec());
            try (TraceRecorder recorder = new TraceRecorder(out, header)) {
                session.listen(new TraceRecording(header, recorder::record));
                new Generator(
                                session,
                                new Sampler(params, engine.spec().vocabSize(), engine.contextLength()),
                                sampling.ignoreEos ? Set.of() : engine.endOfSequence())
                        .run(tokens, sampling.predict, token -> true, () -> false);
                recorder.finish();
            }
            streams.note(out + ": " + session.position() + " tokens");
            return Failure.OK;
        }
    }
}
