package io.moetier.cli.run;

import io.moetier.cli.doctor.MachineFile;
import io.moetier.cli.models.LibraryTerminal;
import io.moetier.cli.models.Timeline;
import io.moetier.cli.option.About;
import io.moetier.cli.option.ImageOptions;
import io.moetier.cli.option.ModelOptions;
import io.moetier.cli.option.Prompt;
import io.moetier.cli.option.PromptOptions;
import io.moetier.cli.option.SamplingOptions;
import io.moetier.cli.option.Topic;
import io.moetier.cli.profiles.ProfileFolder;
import io.moetier.cli.profiles.ProfileName;
import io.moetier.cli.profiles.RunProfile;
import io.moetier.cli.report.ModelClock;
import io.moetier.cli.report.RunReport;
import io.moetier.cli.report.StepProfile;
import io.moetier.cli.report.TraceEvents;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Interruption;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.kernels.device.DeviceMarks;
import io.moetier.runtime.image.Picture;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.library.Stores;
import io.moetier.runtime.metrics.ActivityListener;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.text.ChatTemplate;
import io.moetier.storage.format.Checkpoint;
import io.moetier.storage.format.Json;
import io.moetier.storage.model.Phase;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jline.terminal.Terminal;
import org.jline.utils.Signals;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Answers one prompt, or those typed at a terminal.
@Command(
        name = "run",
        description = "Continue a text, or answer prompts typed at the terminal when none is given.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  moetier run model.gguf                               talk to the model",
            "  moetier run model.gguf \"Why is the sky blue?\"        one answer",
            "  moetier run model.gguf -f article.txt --temp 0       the same answer each time",
            "  moetier run checkpoint --ram 1G --stats \"The sky\"    and what came from where",
            "  moetier run vision-model --image a.png \"What is it?\" about a picture"
        })
public final class RunCommand implements Callable<Integer> {
    private final Surroundings surroundings;
    private final Streams streams;

    @Mixin
    ModelOptions model = new ModelOptions();

    @Parameters(index = "1", arity = "0..1", paramLabel = "PROMPT", description = "The text to continue.")
    @Nullable
    String prompt;

    @Mixin
    PromptOptions promptOptions = new PromptOptions();

    @Mixin
    ImageOptions images = new ImageOptions();

    @Mixin
    SamplingOptions sampling = new SamplingOptions();

    @Mixin
    LanguageOptions languages = new LanguageOptions();

    @About(Topic.USUAL)
    @Option(
            names = "--chat",
            order = 4,
            negatable = true,
            description = "Use the checkpoint's chat template (the default where it has one) or, with --no-chat, not.")
    @Nullable
    Boolean chat;

    @Option(names = "--no-chat-template", hidden = true, description = "The same as --no-chat.")
    boolean noChatTemplate;

    @About(Topic.MEMORY)
    @Option(
            names = "--profile",
            paramLabel = "NAME",
            defaultValue = ProfileName.AUTO,
            description = "Start with the experts that earlier runs of this name chose most, and add this run;"
                    + " PERSON.NAME: of one person; auto: the name whose runs are nearest to the prompt, of those kept;"
                    + " none: neither; default: ${DEFAULT-VALUE}.")
    String profile = ProfileName.AUTO;

    @About(Topic.REPORTS)
    @Option(
            names = "--trace-events",
            paramLabel = "FILE",
            description = "Write a timeline of all prompts and answers, for Perfetto (ui.perfetto.dev) or Chrome.")
    @Nullable
    Path traceEvents;

    @About(Topic.USUAL)
    @Option(names = "--stats", order = 8, description = "Show at the end what each tier did.")
    boolean stats;

    @About(Topic.REPORTS)
    @Option(names = "--json", description = "Print the answer and its figures as one JSON object.")
    boolean json;

    public RunCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    /// What is to be answered.
    ///
    /// @param prompt none if somebody sits there to type it
    private record Asked(Optional<Prompt> prompt, ImageOptions.Shown pictures) {}

    @Override
    public Integer call() throws IOException {
        EngineConfig config = model.config(surroundings, streams);
        sampling.answer(); // before anything is imported
        ProfileName name = ProfileName.parse("--profile", profile);
        Optional<Prompt> given = prompt();
        requireSense(given);
        Asked asked = new Asked(given, images.read(streams.in()));
        if (traceEvents != null) {
            Timeline.check(traceEvents);
        }
        boolean text = given.filter(Prompt.Ids.class::isInstance).isEmpty();
        model.model = LibraryTerminal.located(model.model, surroundings, streams);
        Stores stores = LibraryTerminal.stores(surroundings, streams);
        try (LoadedModel loaded = stores.load(model.model, images.tower(), config, text);
                ReportedConversation conversation = new ReportedConversation(
                        loaded,
                        sampling,
                        MachineFile.diskBytesPerSecond(surroundings.cacheDirectory()),
                        template(loaded))) {
            if (stats) {
                model.noteCpu(streams);
            }
            Optional<RunProfile> kept = RunProfile.of(
                    new ProfileFolder(surroundings.cacheDirectory()),
                    name,
                    Checkpoint.nameOf(loaded.name()),
                    loaded.engine(),
                    streams);
            kept.ifPresent(RunProfile::begin);
            kept.ifPresent(of -> conversation.conversation().listen(of.tally()));
            kept.ifPresent(of -> conversation.afterPrompt(of::choose));
            conversation.conversation().translate(languages.of(loaded, text));
            try {
                return traceEvents == null
                        ? answer(loaded, conversation, asked)
                        : answer(loaded, conversation, asked, traceEvents);
            } finally {
                kept.ifPresent(RunProfile::save);
                noteRepeatedReads(loaded);
            }
        }
    }

    /// Whoever has a disk that fails wants to know before it fails for good.
    private void noteRepeatedReads(LoadedModel loaded) {
        int repeated = loaded.engine().store().repeatedReads();
        if (repeated > 0) {
            streams.note("reads of " + loaded.engine().store().denseFile().getParent()
                    + " that failed, and did not when repeated: " + repeated);
        }
    }

    private int answer(LoadedModel loaded, ReportedConversation conversation, Asked asked, Path timeline)
            throws IOException {
        try (Timeline file = Timeline.create(timeline)) {
            int code = answer(loaded, conversation, asked, file.events());
            file.publish(model.model, loaded, streams);
            return code;
        }
    }

    private int answer(LoadedModel loaded, ReportedConversation conversation, Asked asked, TraceEvents events)
            throws IOException {
        Engine engine = loaded.engine();
        try (DeviceMarks marks = new ModelClock(loaded).newMarks()) {
            StepProfile profile = new StepProfile(marks, engine.spec().layers().size(), Optional.of(events));
            engine.listen(profile);
            profile.count(Phase.DECODE);
            return answer(loaded, conversation, asked);
        } finally {
            engine.listen(ActivityListener.NONE);
        }
    }

    private int answer(LoadedModel loaded, ReportedConversation conversation, Asked asked) throws IOException {
        if (asked.prompt.isPresent()) {
            return answerOnce(loaded, conversation, asked.prompt.get(), asked.pictures);
        }
        return converse(loaded, conversation, asked.pictures.pictures());
    }

    private int converse(LoadedModel loaded, ReportedConversation conversation, List<Picture> shown)
            throws IOException {
        loaded.requireTokenizer();
        if (!shown.isEmpty()) {
            conversation.requireVision();
        }
        try (Terminal terminal = PromptTerminal.open()) {
            SamplingSettings settings = new SamplingSettings(sampling);
            new PromptLoop(terminal, streams.in(), surroundings, conversation, settings, shown, stats).run();
        }
        return Failure.OK;
    }

    /// The prompt on the command line, in a file, or on standard input; none if somebody sits there to type it.
    private Optional<Prompt> prompt() {
        Optional<Prompt> given = promptOptions.find(prompt);
        images.requireStandardInput(given.isPresent());
        return given.isPresent() || surroundings.inputIsTerminal()
                ? given
                : Optional.of(PromptOptions.read(streams.in()));
    }

    /// Rejects options that would have no effect together.
    private void requireSense(Optional<Prompt> given) {
        images.requireSense(given.filter(Prompt.Ids.class::isInstance).isPresent());
        if (json && stats) {
            throw new IllegalArgumentException(
                    "--json and --stats: expected one of them, the object holds the figures");
        }
        if (json && given.isEmpty()) {
            throw new IllegalArgumentException(
                    "--json needs a prompt: give PROMPT, --prompt-file, --ids or --ids-file");
        }
        if (Boolean.TRUE.equals(chat) && given.isPresent() && given.get() instanceof Prompt.Ids) {
            throw new IllegalArgumentException("--chat needs a text, but --ids and --ids-file give token ids");
        }
        if (Boolean.TRUE.equals(chat) && noChatTemplate) {
            throw new IllegalArgumentException("--chat needs the chat template that --no-chat-template leaves out");
        }
    }

    private Optional<ChatTemplate> template(LoadedModel loaded) {
        if (noChatTemplate || Boolean.FALSE.equals(chat)) {
            return Optional.empty();
        }
        Optional<ChatTemplate> template = loaded.chatTemplate();
        if (Boolean.TRUE.equals(chat) && template.isEmpty()) {
            throw new IllegalArgumentException("--chat: " + model.model + " has no chat template");
        }
        return template;
    }

    private int answerOnce(
            LoadedModel loaded, ReportedConversation conversation, Prompt given, ImageOptions.Shown shown) {
        StringBuilder text = new StringBuilder();
        Consumer<String> out = json ? text::append : piece -> streams.answer(piece, surroundings.outputIsTerminal());
        try (Interruption interruption = Interruption.ofCommand()) {
            Signals.register("INT", interruption::interrupt);
            switch (given) {
                case Prompt.Ids ids -> conversation.answer(ids.ids(), shown.patches(loaded), out, interruption);
                case Prompt.Text words -> conversation.answer(words.text(), shown.pictures(), out, interruption);
            }
            report(conversation.report(), text.toString());
            return interruption.getAsBoolean() ? Failure.INTERRUPTED : Failure.OK;
        }
    }

    private void report(RunReport report, String text) {
        if (json) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("text", text);
            fields.putAll(report.fields());
            streams.print(Json.write(fields) + "\n");
        } else {
            streams.print("\n");
            streams.note(stats ? "\n" + report.table().stripTrailing() : report.line());
        }
    }
}
