package io.moetier.lab.plan;

import io.moetier.lab.cost.CostModel;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.lab.cost.PromptCosts;
import io.moetier.lab.simulate.Outcome;
import io.moetier.lab.simulate.Prediction;
import io.moetier.lab.simulate.SlotPlan;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.offload.Misses;
import io.moetier.runtime.session.MemoryForecast;
import java.util.List;
import java.util.Optional;

/// How fast a machine would run a model.
///
/// @param tokensPerSecond of generation
/// @param promptTokensPerSecond nothing where nobody knows how fast the machine computes
/// @param secondsToFirst until the first token of an answer, likewise
/// @param hitRate the share of needed experts that is where it is computed
/// @param bound what takes the most time of generation
public record SpeedForecast(
        Interval tokensPerSecond,
        Optional<Interval> promptTokensPerSecond,
        Optional<Interval> secondsToFirst,
        double hitRate,
        CostModel.Bound bound) {
    /// Tokens of the prompt that is predicted, and that generation has before it, where the context has room for them.
    public static final int PROMPT_TOKENS = 512;

    /// What is predicted with.
    ///
    /// @param prompt what prompts cost there, if that was measured
    /// @param routing what is known of the model
    public record Basis(MachineProfile machine, Optional<PromptCosts> prompt, RoutingKnowledge routing) {
        Residuals residuals() {
            return machine.decodeCosts().isPresent() ? Residuals.MEASURED : Residuals.OF_SPEEDS;
        }
    }

    /// Predicts; nothing where experts come to a device from a disk of which nobody knows how fast it is.
    ///
    /// @param memory what of the model lies where
    /// @param stateBytes what a token reads of keys, values and states
    public static Optional<SpeedForecast> of(
            PlannedModel model, MemoryForecast memory, Basis basis, double stateBytes) {
        SlotPlan inMemory = model.slots(memory.slots().bytes());
        SlotPlan slots =
                memory.device().map(of -> model.slots(of.slots().bytes())).orElse(inMemory);
        SlotPlan larger = slots.numSlots() > inMemory.numSlots() ? slots : inMemory;
        boolean reads = memory.device().isPresent() && larger.numSlots() < model.expertsOfToken();
        if (reads && basis.machine().diskBytesPerSecond().isEmpty()) {
            return Optional.empty();
        }
        RoutingKnowledge.Expectation expected = basis.routing().expect(model, slots);
        Optional<RoutingKnowledge.Expectation> below =
                reads ? Optional.of(basis.routing().expect(model, larger)) : Optional.empty();
        Decode decode = new Decode(model, slots, larger, basis.machine(), stateBytes);
        Prediction prediction = decode.predict(expected.outcome());
        double disk = below.map(of -> decode.diskSeconds(of.outcome())).orElse(0.0);
        double likely = 1 / prediction.tokensPerSecond() + disk;
        double shareOfLoads = Math.max(0, 1 - decode.secondsAt(1) / likely);
        double byHits = Math.log(decode.secondsAt(expected, below, -1) / decode.secondsAt(expected, below, 1)) / 2;
        Residuals residuals = basis.residuals();
        Interval generation = Interval.ofRate(
                likely, residuals.resident() * (1 - shareOfLoads), residuals.loads() * shareOfLoads, byHits);
        Optional<Double> promptSeconds = basis.prompt().flatMap(costs -> promptSeconds(model, memory, basis, costs));
        Optional<Interval> prompt = promptSeconds.map(
                seconds -> Interval.ofRate(seconds / promptTokens(memory.contextLength()), residuals.prompt()));
        Optional<Interval> first = promptSeconds.map(
                seconds -> Interval.ofRate(seconds + likely, residuals.prompt()).inverse());
        return Optional.of(new SpeedForecast(
                generation,
                prompt,
                first,
                expected.outcome().hitRate(),
                2 * disk > likely ? CostModel.Bound.DISK : prediction.bound()));
    }

    /// Returns how many tokens the prompt has that is predicted for a context.
    public static int promptTokens(int contextLength) {
        return Math.min(PROMPT_TOKENS, Math.max(1, contextLength - 1));
    }

    /// Generation with some slots. What comes to a device is read from disk unless one of the memories has it: at the
    /// best both keep what is needed the most, and the larger one has all that the other has.
    private record Decode(
            PlannedModel model, SlotPlan slots, SlotPlan larger, MachineProfile machine, double stateBytes) {
        Prediction predict(Outcome outcome) {
            long everyToken = model.sizes().denseBytes() + Math.round(stateBytes);
            CostModel costs = model.sizes().costs(machine, Misses.COPY, slots);
            return Prediction.of(
                    outcome, model.sizes().experts(), costs.loadingAhead(), everyToken); // as runs do by default
        }

        double secondsAt(double hitRate) {
            return 1 / predict(PriorRouting.outcome(model, slots, hitRate)).tokensPerSecond();
        }

        /// Returns what a token takes if so many deviations more are found than expected, in both memories: texts that
        /// are good for one are good for the other.
        double secondsAt(
                RoutingKnowledge.Expectation expected,
                Optional<RoutingKnowledge.Expectation> below,
                double deviations) {
            double disk = below.map(of -> diskSeconds(PriorRouting.outcome(model, larger, of.hitRateAt(deviations))))
                    .orElse(0.0);
            return secondsAt(expected.hitRateAt(deviations)) + disk;
        }

        /// Returns what a token waits for experts that both memories lack.
        double diskSeconds(Outcome outcome) {
            return outcome.bytesPerToken(model.sizes().experts())
                    / machine.diskBytesPerSecond().orElseThrow();
        }
    }

    /// Returns what a prompt takes: products, what layers do beside, and each missing expert once for each pass.
    private static Optional<Double> promptSeconds(
            PlannedModel model, MemoryForecast memory, Basis basis, PromptCosts costs) {
        CostModel.Traits traits = model.sizes().traits().orElseThrow();
        Optional<PromptCosts.Products> ofExperts = costs.products(traits.expertType());
        Optional<PromptCosts.Products> ofOthers = costs.products(traits.denseType());
        if (ofExperts.isEmpty() || ofOthers.isEmpty()) {
            return Optional.empty();
        }
        int tokens = promptTokens(memory.contextLength());
        int passes = Math.ceilDiv(tokens, memory.batch());
        double tokensOfPass = (double) tokens / passes;
        double chosen = 1 - Math.pow(1 - (double) model.topK() / model.experts(), tokensOfPass);
        List<MoeSpec> mixtures = model.moeLayersOfPrompt();
        double experts =
                chosen * mixtures.stream().mapToInt(MoeSpec::numExperts).sum(); // of one pass
        double rows = tokensOfPass * mixtures.size() * model.topK() / experts;
        double computing = passes
                        * (experts * ofExperts.get().seconds((double) model.weightsOfExpert(), rows)
                                + ofOthers.get().seconds((double) model.weightsOfOthers(), tokensOfPass))
                + tokens
                        * model.layersOfPrompt().size()
                        * costs.besideSeconds(traits.width(), model.queryWidth(), tokens);
        double share = (double) memory.slots().number() / model.numExperts();
        double missing = passes * experts * Math.max(0, 1 - share);
        double expertBytes = (double) model.memory().slotBudget().allBytes() / model.numExperts();
        double loads = missing == 0
                ? 0
                : basis.machine()
                        .decodeCosts()
                        .map(of -> of.fromDisk().seconds((int) Math.ceil(missing), expertBytes))
                        .orElse(0.0);
        return Optional.of(Math.max(computing, loads));
    }
}
