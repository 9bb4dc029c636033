package io.moetier.lab.simulate;

import io.moetier.lab.cost.CostModel;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.runtime.offload.Misses;
import io.moetier.runtime.trace.TraceReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// What each policy does with each budget on one trace, and which of them to take.
///
/// @param rows those of a budget together, the budgets and the policies in the order asked for
public record Tuning(List<Row> rows) {
    /// The share of the greatest budget's speed that is good enough for a smaller one to be recommended.
    private static final double GOOD_ENOUGH = 0.9;

    public Tuning {
        rows = List.copyOf(rows);
    }

    /// What is simulated.
    ///
    /// @param policies in the order in which they are shown; LRU and the optimum are simulated in any case
    /// @param machine whose speed is predicted
    /// @param misses what becomes of experts that its device lacks
    /// @param earlier traces that policies have learnt from before, those that learn
    public record Question(
            List<Contender> policies,
            List<SlotPlan> plans,
            ModelSizes sizes,
            Optional<MachineProfile> machine,
            Misses misses,
            List<Path> earlier) {
        public Question {
            earlier = List.copyOf(earlier);
            policies = List.copyOf(policies);
            plans = List.copyOf(plans);
        }

        /// Returns how many tokens a second a machine would have computed; it is the one that was asked for, unless
        /// missing experts are copied.
        public double predict(Row row, MachineProfile of) {
            return predict(row.outcome(), of).tokensPerSecond();
        }

        Prediction predict(Outcome outcome, MachineProfile of) {
            return Prediction.of(outcome, sizes.experts(), sizes.costs(of, misses, outcome.plan()), sizes.denseBytes());
        }

        /// Returns who computes experts that the machine's device lacks.
        public MissDivision division() {
            return machine.<MissDivision>map(of -> CostModel.ofSpeeds(of, misses)::onProcessor)
                    .orElse(MissDivision.BROUGHT_IN);
        }
    }

    /// One policy with one budget.
    ///
    /// @param outcome what it would have done
    /// @param slotBytes bytes of all slots; nothing if the size of an expert is not known
    /// @param bytesPerToken bytes brought in per token; nothing if the size of an expert is not known
    /// @param gapClosed share of the way from LRU to the optimum; nothing if these are equal and this is worse
    /// @param copiesOfLru experts that LRU brings in per token
    public record Row(
            Outcome outcome,
            Optional<Long> slotBytes,
            Optional<Double> bytesPerToken,
            Optional<Prediction> prediction,
            OptionalDouble gapClosed,
            double copiesOfLru) {
        public String policy() {
            return outcome.policy();
        }

        public SlotPlan plan() {
            return outcome.plan();
        }

        /// Returns the share of needed experts that had a slot.
        public double hitRate() {
            return outcome.hitRate();
        }

        /// Returns the experts brought in per token.
        public double copiesPerToken() {
            return outcome.copiesPerToken();
        }

        /// Returns by how much fewer experts are brought in than LRU does, as a share of those of LRU.
        public double fewerCopiesThanLru() {
            return copiesOfLru == 0 ? 0 : 1 - copiesPerToken() / copiesOfLru;
        }

        boolean isOptimum() {
            return policy().equals(Contender.CLAIRVOYANT);
        }

        private double speed() {
            return prediction.map(Prediction::tokensPerSecond).orElse(hitRate());
        }
    }

    /// What to take.
    ///
    /// @param next the same policy with the next budget, if there is one
    public record Advice(Row row, Optional<Row> next) {}

    /// Replays the trace.
    ///
    /// @param lru the contender that all others are compared with
    public static Tuning of(TraceReader trace, Simulator simulator, Question question, Contender lru) {
        List<Outcome> outcomes = simulator.run(
                question.earlier(),
                trace,
                question.sizes().experts(),
                question.division(),
                contenders(question, lru),
                question.plans());
        return of(outcomes, question, lru);
    }

    /// Returns who has to be simulated for a question: the policies asked for, then LRU and the optimum where they are
    /// not among them.
    public static List<Contender> contenders(Question question, Contender lru) {
        List<Contender> contenders = new ArrayList<>(question.policies());
        for (Contender wanted : List.of(lru, Contender.clairvoyant())) {
            if (contenders.stream().noneMatch(each -> each.name().equals(wanted.name()))) {
                contenders.add(wanted);
            }
        }
        return contenders;
    }

    /// Compares outcomes, wherever they were simulated.
    ///
    /// @param outcomes of all [#contenders(Question, Contender)] in their order, those of a plan together
    public static Tuning of(List<Outcome> outcomes, Question question, Contender lru) {
        List<Contender> contenders = contenders(question, lru);
        int lruAt = indexOf(lru, contenders);
        int optimumAt = indexOf(Contender.clairvoyant(), contenders);
        List<Row> rows = new ArrayList<>();
        for (int from = 0; from < outcomes.size(); from += contenders.size()) {
            Outcome base = outcomes.get(from + lruAt);
            Outcome optimum = outcomes.get(from + optimumAt);
            for (int i = 0; i < question.policies().size(); i++) {
                rows.add(row(outcomes.get(from + i), base, optimum, question));
            }
        }
        return new Tuning(rows);
    }

    /// Returns how many tokens were counted: not those of steps in which caches still filled.
    public long tokens() {
        return rows.getFirst().outcome().tokens();
    }

    /// Returns how many experts these needed.
    public long needed() {
        Outcome any = rows.getFirst().outcome();
        return any.hits() + any.misses();
    }

    /// Returns the smallest budget that is nearly as fast as the greatest, with the policy that finds the most
    /// there; nothing if only the optimum was asked for.
    public Optional<Advice> advice() {
        List<Row> best = bestOfBudgets();
        if (best.isEmpty()) {
            return Optional.empty();
        }
        int i = 0;
        while (best.get(i).speed() < GOOD_ENOUGH * best.getLast().speed()) {
            i++;
        }
        Row row = best.get(i);
        Optional<Row> next =
                i + 1 < best.size() ? row(row.policy(), best.get(i + 1).plan()) : Optional.empty();
        return Optional.of(new Advice(row, next));
    }

    private static int indexOf(Contender wanted, List<Contender> contenders) {
        return contenders.stream().map(Contender::name).toList().indexOf(wanted.name());
    }

    /// Returns the row that finds the most of each budget, the smallest budget first.
    private List<Row> bestOfBudgets() {
        Map<SlotPlan, Row> best = new LinkedHashMap<>();
        for (Row row : rows) {
            if (!row.isOptimum()) {
                best.merge(row.plan(), row, (a, b) -> b.hitRate() > a.hitRate() ? b : a);
            }
        }
        return best.values().stream()
                .sorted(Comparator.comparingInt(row -> row.plan().numSlots()))
                .toList();
    }

    private Optional<Row> row(String policy, SlotPlan plan) {
        return rows.stream()
                .filter(row -> row.policy().equals(policy) && row.plan().equals(plan))
                .findFirst();
    }

    private static Row row(Outcome outcome, Outcome lru, Outcome optimum, Question question) {
        ModelSizes sizes = question.sizes();
        Optional<SlotPlan.Sizes> known = sizes.known() ? Optional.of(sizes.experts()) : Optional.empty();
        return new Row(
                outcome,
                known.map(outcome.plan()::bytes),
                known.map(outcome::bytesPerToken),
                known.flatMap(s -> question.machine()).map(machine -> question.predict(outcome, machine)),
                outcome.gapClosed(lru, optimum),
                lru.copiesPerToken());
    }
}
