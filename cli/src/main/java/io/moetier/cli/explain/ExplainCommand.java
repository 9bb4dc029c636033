package io.moetier.cli.explain;

import io.moetier.cli.models.LibraryTerminal;
import io.moetier.cli.option.About;
import io.moetier.cli.option.DecoderOptions;
import io.moetier.cli.option.ImageOptions;
import io.moetier.cli.option.ModelOptions;
import io.moetier.cli.option.OptionFlags;
import io.moetier.cli.option.Prompt;
import io.moetier.cli.option.PromptOptions;
import io.moetier.cli.option.Topic;
import io.moetier.cli.report.ModalityReport;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.OutputFile;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.lab.explain.Explainer;
import io.moetier.lab.explain.Explainer.Wanted;
import io.moetier.lab.explain.ModalityCounts;
import io.moetier.runtime.chat.ShownText;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.library.Stores;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.Session;
import java.io.IOException;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Shows what the experts do with a prompt.
@About(Topic.REPORTS)
@Command(
        name = "explain",
        description = {
            "Show what mixtures of experts do with the tokens of a prompt: token and embedding, gate, chosen experts"
                    + " and their weights, how much each adds, and the sum.",
            "Tables show one token of one layer, unless --token and --layer say otherwise."
        })
public final class ExplainCommand implements Callable<Integer> {
    private static final Path HTML = Path.of("html");
    private static final Path DEFAULT_PAGE = Path.of("explain.html");

    private final Surroundings surroundings;
    private final Streams streams;

    @Mixin
    ModelOptions model = new ModelOptions();

    @Parameters(index = "1", arity = "0..1", paramLabel = "PROMPT", description = "The text to read.")
    @Nullable
    String words;

    @Mixin
    PromptOptions promptOptions = new PromptOptions();

    @Mixin
    ImageOptions images = new ImageOptions();

    @Mixin
    DecoderOptions decoder = new DecoderOptions();

    @Mixin
    ExplainScope scope = new ExplainScope();

    @Option(names = "--json", paramLabel = "FILE", description = "Write every figure of every token and layer as JSON.")
    @Nullable
    Path json;

    @Option(
            names = "--report",
            paramLabel = "html|FILE",
            description = "Write a page with heat maps of all layers, an HTML file; html alone: explain.html.")
    @Nullable
    Path report;

    public ExplainCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        EngineConfig config = model.config(surroundings, streams);
        Prompt given = promptOptions.require(words);
        images.requireSense(given instanceof Prompt.Ids);
        images.requireStandardInput(true);
        scope.check();
        @Nullable Path page = HTML.equals(report) ? DEFAULT_PAGE : report;
        if (page != null) {
            OutputFile.check(page, "--report");
        }
        if (json != null) {
            OutputFile.check(json, "--json");
        }
        model.requireNoLimit("explain");
        ImageOptions.Shown pictures = images.read(streams.in());
        model.model = LibraryTerminal.located(model.model, surroundings, streams);
        Stores stores = LibraryTerminal.stores(surroundings, streams);
        try (LoadedModel loaded = stores.load(model.model, images.tower(), config, given instanceof Prompt.Text)) {
            ShownText prompt = pictures.in(given, loaded);
            int[] tokens = decoder.decoded(loaded.engine().spec(), prompt.tokens());
            Wanted shown = scope.places(loaded.engine().spec(), prompt.tokens().length, tokens.length);
            boolean all = json != null || page != null;
            ExplainedPrompt explained = explain(loaded, prompt, tokens, all ? (layer, position) -> true : shown);
            streams.print(new ExplainTable(explained).text(shown));
            if (json != null) {
                new ExplainFigures(explained).write(json);
                streams.note(json + ": every figure, as JSON");
            }
            if (page != null) {
                OutputFile.write(page, "--report", new ExplainCharts(explained).page(shown));
                streams.note(page + ": a page with heat maps of all layers");
            }
        }
        return Failure.OK;
    }

    private ExplainedPrompt explain(LoadedModel loaded, ShownText prompt, int[] tokens, Wanted kept) {
        Engine engine = loaded.engine();
        ModelSpec spec = engine.spec();
        Explainer explainer = new Explainer(spec, kept);
        ModalityCounts modalities = new ModalityCounts(spec);
        try (Session session = engine.newSession()) {
            session.observe(explainer);
            DecoderOptions.encode(spec, session, prompt.tokens());
            if (!prompt.images().isEmpty()) {
                session.listen(modalities);
                session.look(tokens, prompt.images());
            }
            session.prefill(tokens);
        }
        OptionalInt imageToken = prompt.images().isEmpty() ? OptionalInt.empty() : OptionalInt.of(engine.imageToken());
        int[] input = spec.encoder().isPresent() ? prompt.tokens() : new int[0];
        return new ExplainedPrompt(
                model.model,
                spec,
                OptionFlags.lossy(engine.selection()),
                ExplainedTokens.of(input, OptionalInt.empty(), loaded.tokenizer()),
                ExplainedTokens.of(tokens, imageToken, loaded.tokenizer()),
                new ModalityReport(modalities.layers()),
                explainer);
    }
}
