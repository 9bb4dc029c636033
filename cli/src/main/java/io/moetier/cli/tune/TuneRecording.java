package io.moetier.cli.tune;

import io.moetier.cli.models.LibraryTerminal;
import io.moetier.cli.option.About;
import io.moetier.cli.option.LimitedText;
import io.moetier.cli.option.SamplingOptions;
import io.moetier.cli.option.Topic;
import io.moetier.cli.terminal.CleanStop;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.runtime.chat.Conversation;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.SessionTrace;
import io.moetier.runtime.trace.TraceRecorder;
import io.moetier.storage.file.TemporaryDirectory;
import io.moetier.storage.format.Checkpoint;
import io.moetier.storage.platform.Platform;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/// The trace that `tune` records itself, of the answers to some prompts.
@About(Topic.PROMPT)
final class TuneRecording {
    private static final int DEFAULT_PREDICT = 64;

    @Option(
            names = "--prompts",
            paramLabel = "FILE",
            description = "Record the trace of these prompts first, one a line; TRACE is then a MODEL.")
    @Nullable
    Path prompts;

    @Option(
            names = {"-n", "--predict"},
            paramLabel = "N",
            description = "With --prompts: tokens to generate for each at most; default: " + DEFAULT_PREDICT + ".")
    @Nullable
    Integer predict;

    private @Nullable Path model;
    private @Nullable TemporaryDirectory scratch;

    /// Says whether a trace is recorded first.
    boolean isWanted() {
        return prompts != null;
    }

    /// Finds contradictions.
    void check(List<Path> inputs) {
        if (prompts == null && predict != null) {
            throw new IllegalArgumentException("--predict needs --prompts: traces are as long as they are");
        }
        if (prompts != null && inputs.size() != 1) {
            throw new IllegalArgumentException("--prompts: expected one MODEL, found " + inputs.size());
        }
        if (predict != null && predict < 1) {
            throw new IllegalArgumentException("--predict must be 1 or more, not " + predict);
        }
    }

    /// Returns the traces to compare: those given, or the one that is recorded now, which [#removeTrace()] removes. If
    /// the thread is interrupted meanwhile, it stays so, and the trace is not whole.
    List<Path> traces(List<Path> inputs, Surroundings surroundings, Streams streams) throws IOException {
        if (prompts == null) {
            return inputs;
        }
        List<String> texts = texts(prompts);
        model = LibraryTerminal.located(inputs.getFirst(), surroundings, streams);
        try (LoadedModel loaded =
                LibraryTerminal.stores(surroundings, streams).load(model, EngineConfig.DEFAULT, true)) {
            scratch = TemporaryDirectory.create(Platform.temporaryFiles(), "tune");
            Path recorded = Files.createFile(scratch.path().resolve("trace.jsonl.gz"));
            scratch.closeAtExit();
            record(loaded, texts, model, recorded);
            return List.of(recorded);
        }
    }

    /// Returns the model that a trace was recorded of.
    Optional<Path> model() {
        return Optional.ofNullable(model);
    }

    void removeTrace() throws IOException {
        if (scratch != null) {
            scratch.close();
        }
    }

    private void record(LoadedModel loaded, List<String> texts, Path name, Path trace) {
        // the same seed every time, so that the same prompts give the same trace
        SamplingOptions sampling = CommandLine.populateCommand(
                new SamplingOptions(),
                "-n",
                String.valueOf(predict == null ? DEFAULT_PREDICT : predict),
                "--seed",
                "1");
        ModelSpec spec = loaded.engine().spec();
        try (CleanStop _ = CleanStop.open();
                TraceRecorder recorder = new TraceRecorder(
                        trace, SessionTrace.header(Checkpoint.nameOf(name), spec, "prompts of tune"));
                Conversation conversation = new Conversation(loaded, sampling::answer, Optional.empty())) {
            SessionTrace listener = new SessionTrace(recorder, spec);
            conversation.listen(listener);
            for (String text : texts) {
                conversation.answer(text, piece -> {}, Thread.currentThread()::isInterrupted);
                if (Thread.currentThread().isInterrupted()) {
                    return;
                }
                conversation.reset();
                listener.nextRequest();
            }
            recorder.finish();
        }
    }

    private static List<String> texts(Path file) throws IOException {
        List<String> texts = LimitedText.OF_PROMPT
                .readUtf8(file)
                .lines()
                .filter(line -> !line.isBlank())
                .toList();
        if (texts.isEmpty()) {
            throw new IllegalArgumentException("--prompts: " + file + " holds no prompt");
        }
        return texts;
    }
}
