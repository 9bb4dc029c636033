package io.moetier;

import io.moetier.runtime.library.CacheFolder;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.library.Stores;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.offload.PinnedTier;
import io.moetier.runtime.offload.ResidentSummary;
import io.moetier.runtime.session.Session;
import io.moetier.runtime.text.ChatTemplate;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A loaded model: a safetensors folder as of Hugging Face, a GGUF file, or a store that was imported before.
///
/// Weights outside the experts stay in memory; experts come into it from disk as they are needed, within
/// [ModelOptions#memoryBytes()], which never changes an answer. A model that is no store is imported into the cache
/// when it is opened for the first time, which takes about as long as copying it.
///
/// Any thread may use it; what it makes belongs to the thread that uses that. To be closed after that, which waits for
/// a step under way.
public final class Model implements AutoCloseable {
    private final LoadedModel loaded;
    private final Runnable policies; // throws what an embedder's policy has thrown
    private final Optional<ChatTemplate> template;
    private final ModelInfo info;

    private Model(LoadedModel loaded, Runnable policies) {
        this.loaded = loaded;
        this.policies = policies;
        template = loaded.chatTemplate();
        info = describe(loaded);
    }

    /// Loads a model as most would choose.
    ///
    /// @throws MoetierException if it cannot be read, or does not fit
    public static Model open(Path path) {
        return open(path, ModelOptions.DEFAULT);
    }

    /// Loads a model.
    ///
    /// @throws MoetierException if it cannot be read, or does not fit
    public static Model open(Path path, ModelOptions options) {
        return Failures.translated(() -> {
            Path cache = options.cache().orElseGet(Model::userCache);
            CacheFolder folder = new CacheFolder(cache, "the option cache names another directory");
            Stores stores = new Stores(folder, new ImportRelay(options.importListener()));
            Configuration configuration = Configuration.of(options, cache);
            LoadedModel loaded = stores.load(path, configuration.engine(), false);
            try {
                return new Model(loaded, configuration.policies());
            } catch (RuntimeException | Error e) {
                loaded.close();
                throw e;
            }
        });
    }

    private static Path userCache() {
        return Path.of(System.getProperty("user.home"), ".cache", "moetier");
    }

    /// The tokenizer is opened here, before other threads may ask for it.
    private static ModelInfo describe(LoadedModel loaded) {
        ModelSpec spec = loaded.engine().spec();
        List<MoeSpec> mixtures = spec.moeLayers();
        return new ModelInfo(
                spec.family(),
                spec.layers().size(),
                mixtures.stream().mapToInt(MoeSpec::numExperts).sum(),
                spec.mostExpertsPerToken(),
                spec.vocabSize(),
                loaded.engine().contextLength(),
                loaded.tokenizer().isPresent());
    }

    /// Returns in words what computes.
    public String device() {
        return loaded.engine().deviceDescription();
    }

    /// Returns what the model is.
    public ModelInfo info() {
        return info;
    }

    /// Begins a chat, in the words of the model's own template.
    ///
    /// @throws MoetierException.NotPossible if the model has no chat template
    public Chat chat(AnswerSettings settings) {
        return Failures.translated(() -> {
            ChatTemplate of = template.orElseThrow(() ->
                    new IllegalArgumentException(loaded.name() + " has no chat template; complete texts with it"));
            return new Chat(new Answering(loaded, settings, Optional.of(of), policies));
        });
    }

    /// Begins a chat as most would choose.
    ///
    /// @throws MoetierException.NotPossible if the model has no chat template
    public Chat chat() {
        return chat(AnswerSettings.DEFAULT);
    }

    /// Returns what continues texts, each for itself. What two prompts have in common at their beginning is computed
    /// once.
    ///
    /// @throws MoetierException.NotPossible if answers are to end at texts, but the model has no tokenizer
    public Completion completion(AnswerSettings settings) {
        return Failures.translated(() -> new Completion(new Answering(loaded, settings, Optional.empty(), policies)));
    }

    /// Returns what continues texts, as most would choose.
    public Completion completion() {
        return completion(AnswerSettings.DEFAULT);
    }

    /// Returns the token ids of a text, as of a prompt.
    ///
    /// @throws MoetierException.NotPossible if the model has no tokenizer, or a context holds fewer
    public int[] encode(String text) {
        return Failures.translated(() -> loaded.encode(text, true));
    }

    /// Returns the text of token ids, without what stands for no text: marks, and ids that are no token's, as a model
    /// may have more ids than its tokenizer has tokens.
    ///
    /// @throws MoetierException.NotPossible if the model has no tokenizer
    public String decode(int... ids) {
        return Failures.translated(() -> loaded.requireTokenizer().decode(ids, true));
    }

    /// Returns the logits of the token after `ids`: `[vocabularySize]`.
    ///
    /// @throws MoetierException.NotPossible if a context holds fewer, or an id is none of the model's
    public float[] logits(int... ids) {
        return Failures.translated(() -> {
            try (Session session = loaded.engine().newSession()) {
                session.prompt(ids, () -> {
                    policies.run();
                    return false;
                });
                policies.run();
                return session.logits().clone();
            }
        });
    }

    /// Returns how full the tiers of experts are now, the fastest first.
    public List<TierReport> tiers() {
        List<TierReport> tiers = new ArrayList<>();
        Optional<ResidentSummary> pinned = loaded.engine().pinnedTier().map(PinnedTier::residentSummary);
        List<ResidentSummary> first = loaded.engine().expertTiers().residentSummaries();
        for (int i = 0; i < first.size(); i++) {
            tiers.add(report(pinned.isPresent() ? "device " + i : "memory", first.get(i)));
        }
        pinned.ifPresent(host -> tiers.add(report("memory", host)));
        return List.copyOf(tiers);
    }

    private static TierReport report(String name, ResidentSummary tier) {
        return new TierReport(
                name,
                tier.numExperts(),
                tier.slots().number(),
                tier.filled().number(),
                tier.slots().bytes());
    }

    @Override
    public void close() {
        Failures.translated(loaded::close);
    }
}
