package io.moetier.lab.plan;

import io.moetier.lab.cost.CostModel;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.lab.cost.PromptCosts;
import io.moetier.lab.simulate.Outcome;
import io.moetier.lab.simulate.Prediction;
import io.moetier.lab.simulate.SlotPlan;
import io.moetier.runtime.offload.Misses;
import io.moetier.runtime.session.MemoryForecast;
import io.moetier.storage.model.DType;
import java.util.Optional;
import java.util.OptionalDouble;

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
    /// Tokens of the prompt that is predicted, and that generation has before it.
    public static final int PROMPT_TOKENS = 512;

    /// What is predicted with.
    ///
    /// @param prompt what prompts cost there, if that was measured
    /// @param routing what is known of the model
    public record Basis(MachineProfile machine, Optional<PromptCosts> prompt, RoutingKnowledge routing) {
        Residuals residuals() {
            return machine.decodeCosts().isPresent() ? Residuals.MEASURED : Residuals.PUBLISHED;
        }
    }

    /// Predicts.
    ///
    /// @param memory what of the model lies where
    /// @param stateBytes what a token reads of keys, values and states
    public static SpeedForecast of(PlannedModel model, MemoryForecast memory, Basis basis, double stateBytes) {
        SlotPlan inMemory = model.slots(memory.slots().bytes());
        SlotPlan slots =
                memory.device().map(of -> model.slots(of.slots().bytes())).orElse(inMemory);
        RoutingKnowledge.Expectation expected = basis.routing().expect(model, slots);
        double disk = memory.device().isPresent() ? diskSeconds(model, basis, inMemory) : 0;
        Decode decode = new Decode(model, slots, basis.machine(), stateBytes, disk);
        Prediction prediction = decode.predict(expected.outcome());
        double likely = 1 / prediction.tokensPerSecond() + disk;
        double hits = expected.outcome().hitRate();
        double resident = decode.secondsAt(1);
        double shareOfLoads = Math.max(0, 1 - resident / likely);
        double byHits = expected.deviation() == 0
                ? 0
                : Math.log(decode.secondsAt(Math.max(0, hits - expected.deviation()))
                                / decode.secondsAt(Math.min(1, hits + expected.deviation())))
                        / 2;
        Residuals residuals = basis.residuals();
        Interval generation = Interval.ofRate(
                likely, residuals.resident() * (1 - shareOfLoads), residuals.loads() * shareOfLoads, byHits);
        Optional<Double> promptSeconds =
                basis.prompt().flatMap(costs -> promptSeconds(model, memory, basis, costs, inMemory));
        Optional<Interval> prompt =
                promptSeconds.map(seconds -> Interval.ofRate(seconds / promptTokens(memory), residuals.prompt()));
        Optional<Interval> first = promptSeconds.map(
                seconds -> Interval.ofRate(seconds + likely, residuals.prompt()).inverse());
        return new SpeedForecast(generation, prompt, first, hits, prediction.bound());
    }

    /// Returns how many tokens the prompt has that is predicted.
    static int promptTokens(MemoryForecast memory) {
        return Math.min(PROMPT_TOKENS, Math.max(1, memory.contextLength() - 1));
    }

    /// Generation with some slots.
    private record Decode(
            PlannedModel model, SlotPlan slots, MachineProfile machine, double stateBytes, double diskSeconds) {
        Prediction predict(Outcome outcome) {
            long everyToken = model.sizes().denseBytes() + Math.round(stateBytes);
            return Prediction.of(
                    outcome, model.sizes().experts(), model.sizes().costs(machine, Misses.COPY, slots), everyToken);
        }

        double secondsAt(double hitRate) {
            return 1 / predict(PriorRouting.outcome(model, slots, hitRate)).tokensPerSecond() + diskSeconds;
        }
    }

    /// Returns what a token waits for experts that main memory lacks too, below a device.
    private static double diskSeconds(PlannedModel model, Basis basis, SlotPlan inMemory) {
        Outcome outcome = basis.routing().expect(model, inMemory).outcome();
        OptionalDouble disk = basis.machine().diskBytesPerSecond();
        return outcome.hitRate() == 1 || disk.isEmpty()
                ? 0
                : outcome.bytesPerToken(model.sizes().experts()) / disk.getAsDouble();
    }

    /// Returns what a prompt takes: arithmetic, and each missing expert once for each pass.
    private static Optional<Double> promptSeconds(
            PlannedModel model, MemoryForecast memory, Basis basis, PromptCosts costs, SlotPlan slots) {
        CostModel.Traits traits = model.sizes().traits().orElseThrow();
        OptionalDouble ofExperts = costs.rowSeconds(traits.expertType());
        OptionalDouble ofOthers = costs.rowSeconds(traits.denseType());
        if (ofExperts.isEmpty() || ofOthers.isEmpty()) {
            return Optional.empty();
        }
        int tokens = promptTokens(memory);
        double expertWeights = (double) model.layers() * model.topK() * model.weightsOfExpert();
        double arithmetic = tokens
                * (expertWeights * ofExperts.getAsDouble()
                        + model.weightsOfOthers() * ofOthers.getAsDouble()
                        + attentionWeights(model, tokens)
                                * costs.rowSeconds(DType.F16).orElse(0));
        int passes = Math.ceilDiv(tokens, memory.batch());
        double chosen = 1 - Math.pow(1 - (double) model.topK() / model.experts(), (double) tokens / passes);
        double share = (double) slots.numSlots() / ((double) model.layers() * model.experts());
        double missing = passes * chosen * Math.max(0, 1 - share) * model.layers() * model.experts();
        double expertBytes = (double) model.memory().slotBudget().allBytes() / (model.layers() * model.experts());
        double loads = missing == 0
                ? 0
                : basis.machine()
                        .decodeCosts()
                        .map(of -> of.fromDisk().seconds((int) Math.ceil(missing), expertBytes))
                        .orElse(0.0);
        return Optional.of(Math.max(arithmetic, loads));
    }

    /// Returns the products of queries, keys and values for each token, with half of the prompt before it.
    private static double attentionWeights(PlannedModel model, int tokens) {
        return (double) tokens
                / 2
                * 2
                * model.spec().layers().size()
                * model.spec().hiddenSize();
    }
}
