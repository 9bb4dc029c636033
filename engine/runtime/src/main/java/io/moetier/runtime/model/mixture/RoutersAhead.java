package io.moetier.runtime.model.mixture;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertChoices;
import io.moetier.kernels.device.Kernels;
import io.moetier.runtime.lookahead.Guesser;
import io.moetier.runtime.lookahead.Lookahead;
import io.moetier.runtime.model.block.HyperConnection;
import io.moetier.runtime.model.pass.MixtureBuffers;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.weight.Norm;
import io.moetier.runtime.offload.ExpertTiers;
import io.moetier.runtime.offload.PrefetchTrial;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Looks at what the layers after one that has just been routed will choose, and has it loaded ahead.
///
/// A later layer's router is applied to the hidden state in front of this layer's experts. As each such look costs a
/// router's time, tokens that nothing is loaded ahead for are only sampled. An encoder reads its whole input at once:
/// choices are guessed in the decoder only.
public final class RoutersAhead {
    /// Of so many tokens, the routers ahead are asked in one, to know their recall.
    private static final int SAMPLE = 16;

    /// With so many choices for each expert, tokens choose half of the first layer's experts or more: at least 0.50 of
    /// them, 0.72 to 0.91 in the mean, in any window of the traces of gpt-oss-20b and DeepSeek-V2-Lite.
    private static final int CHOICES_PER_EXPERT = 4;

    private final List<Target> routers = new ArrayList<>();
    private final ExpertTiers expertTiers;
    private final PrefetchTrial trial;
    private Lookahead lookahead = new Lookahead(0, 0);
    private int decoder; // the number of its first layer with experts
    private int ended = Integer.MAX_VALUE; // the layers that every token passes
    private long tokens;

    /// What is needed to route to the experts of a layer.
    private record Target(
            int layer,
            MoeSpec spec,
            @Nullable Norm norm,
            @Nullable HyperConnection connection,
            Router router) {}

    public RoutersAhead(ExpertTiers expertTiers, PrefetchTrial trial) {
        this.expertTiers = expertTiers;
        this.trial = trial;
    }

    /// Adds the next layer that has experts, and returns its number among these.
    int add(int layer, MoeSpec spec, @Nullable Norm norm, @Nullable HyperConnection connection, Router router) {
        routers.add(new Target(layer, spec, norm, connection, router));
        return routers.size() - 1;
    }

    /// Begins the decoder: the layers added so far are the encoder's.
    public void beginDecoder() {
        decoder = routers.size();
    }

    /// Ends the layers that every token passes: those added from here on are not looked ahead to, nor from.
    public void end() {
        ended = routers.size();
    }

    /// Says whether layer `number` is the first with experts that a token of the decoder passes.
    boolean isFirstOfDecoder(int number) {
        return number == decoder;
    }

    /// Begins to look ahead; all layers have been added.
    public void start() {
        ended = Math.min(ended, routers.size());
        lookahead = new Lookahead(
                ended - decoder,
                routers.stream()
                        .mapToInt(router -> router.spec().numExpertsPerToken())
                        .max()
                        .orElse(0));
    }

    public Lookahead lookahead() {
        return lookahead;
    }

    /// Begins a pass of `n` tokens. If they are many, the first layer with experts will need most of these, and loaders
    /// have nothing else to do until it has been routed.
    public void begin(boolean encoder, int n) {
        int first = encoder ? 0 : decoder;
        if (n == 1 || first >= ended || !streamsPrompts()) {
            return;
        }
        MoeSpec spec = routers.get(first).spec();
        if ((long) n * spec.numExpertsPerToken() >= (long) CHOICES_PER_EXPERT * spec.numExperts()) {
            expertTiers.streamFirst(routers.get(first).layer());
        }
    }

    private boolean streamsPrompts() {
        return expertTiers.streamsPrompts() || trial.isOnForPrompts();
    }

    /// Records what layer `number` has chosen for the only token of a pass of `n`.
    void onDecision(int number, int n, MixtureBuffers buffers) {
        if (n != 1 || number < decoder || number >= ended) {
            return;
        }
        lookahead.onDecision(
                number - decoder,
                buffers.choices().ids(),
                routers.get(number).spec().numExpertsPerToken());
        tokens += number == ended - 1 ? 1 : 0;
    }

    /// Guesses what the layers after `number` will choose, and asks for the experts that the next one will most likely
    /// need; the experts of `number` have been asked for already.
    void prefetch(int number, Kernels kernels, Pass pass, MixtureBuffers buffers) {
        int n = pass.n();
        if (number + 1 >= ended || number + 1 == decoder) {
            return;
        }
        if (n > 1 && streamsPrompts()) {
            expertTiers.stream(routers.get(number + 1).layer());
            return;
        }
        expertTiers.beginGuesses();
        if (n == 1 && number >= decoder) {
            guessByChoices(number + 1, buffers.ahead());
            lookAhead(number, kernels, pass, buffers);
        }
    }

    /// Asks the next router and, while there is nothing to load by what routers say, the one behind it.
    private void lookAhead(int number, Kernels kernels, Pass pass, MixtureBuffers buffers) {
        boolean sampled = tokens % SAMPLE == 0;
        int furthest = Math.min(Lookahead.MOST_DISTANCE, ended - 1 - number);
        boolean wanted = trial.isOn();
        for (int distance = 1; distance <= furthest && (wanted || sampled); distance++) {
            guess(Guesser.router(distance), number + distance, kernels, pass, buffers);
            wanted = wanted && !load(number + distance, buffers.ahead()) && expertTiers.looksFar();
        }
    }

    /// Loads what is most likely needed of a layer to come; says whether there is anything to load.
    private boolean load(int number, ExpertChoices ahead) {
        Target target = routers.get(number);
        int guessed = lookahead.bestGuess(number - decoder, ahead.ids(), ahead.weights());
        int kept = keepExperts(target.spec().numExperts(), ahead, guessed);
        return expertTiers.guess(target.layer(), ahead.ids(), ahead.weights(), kept);
    }

    /// Leaves identities out of the first `n` guesses, and returns how many remain.
    private static int keepExperts(int numExperts, ExpertChoices ahead, int n) {
        int kept = 0;
        for (int i = 0; i < n; i++) {
            if (ahead.ids()[i] < numExperts) {
                ahead.ids()[kept] = ahead.ids()[i];
                ahead.weights()[kept++] = ahead.weights()[i];
            }
        }
        return kept;
    }

    private void guessByChoices(int number, ExpertChoices ahead) {
        Target target = routers.get(number);
        int n = expertTiers.likeliest(
                target.layer(), ahead.ids(), ahead.weights(), target.spec().numExpertsPerToken());
        lookahead.onGuess(Guesser.CHOICES, number - decoder, ahead.ids(), ahead.weights(), n);
    }

    private void guess(Guesser guesser, int number, Kernels kernels, Pass pass, MixtureBuffers buffers) {
        Target target = routers.get(number);
        DeviceBuffer input = buffers.residual();
        if (target.connection() != null) {
            target.connection().read(kernels, input, 1, buffers.aheadStreams(), buffers.aheadInput());
            input = buffers.aheadInput();
        }
        if (target.norm() != null) {
            target.norm().apply(kernels, input, 1, buffers.aheadInput());
            input = buffers.aheadInput();
        }
        target.router().guess(kernels, pass, input, buffers.aheadLogits(), buffers.ahead());
        lookahead.onGuess(
                guesser,
                number - decoder,
                buffers.ahead().ids(),
                target.router().numExpertsPerToken());
    }
}
