package io.moetier.lab.plan;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/// The ways to run a model, which of them to take, and what would help.
///
/// @param alternatives in the order asked for
/// @param recommended nothing if none fits
/// @param helps what would make the recommended one faster, the most first
public record Plan(List<Alternative> alternatives, Optional<Alternative> recommended, List<Help> helps) {
    /// Tokens a second that people read along with.
    private static final double FAST_ENOUGH = 10;

    private static final double WORTH_TELLING = 1.05; // in one digit

    public Plan {
        alternatives = List.copyOf(alternatives);
        helps = List.copyOf(helps);
    }

    /// Something that would help.
    ///
    /// @param factor how many times as fast generation would be
    public record Help(String what, double factor) {}

    /// What is asked.
    ///
    /// @param candidates the first is the one that was named
    /// @param contexts the first is the one that is meant
    /// @param gpu a device to compare with, where there is none
    public record Question(List<Candidate> candidates, Place place, List<Integer> contexts, Optional<Place> gpu) {
        public Question {
            candidates = List.copyOf(candidates);
            contexts = List.copyOf(contexts);
        }
    }

    /// Tries everything.
    public static Plan of(Planner planner, Question question) {
        List<Alternative> all = new ArrayList<>();
        for (Candidate candidate : question.candidates()) {
            for (int context : question.contexts()) {
                all.add(planner.plan(candidate, question.place(), context));
            }
        }
        Optional<Alternative> recommended = recommended(all, question.contexts().getFirst());
        return new Plan(
                all,
                recommended,
                recommended
                        .filter(taken -> taken.speed().isPresent())
                        .map(taken -> helps(planner, taken, question, all))
                        .orElse(List.of()));
    }

    /// Returns the one that loses the least of those that are fast enough, else the fastest.
    private static Optional<Alternative> recommended(List<Alternative> all, int context) {
        List<Alternative> fitting = all.stream()
                .filter(each -> each.fits() && each.contextLength() == context)
                .toList();
        Comparator<Alternative> bySpeed = Comparator.comparingDouble(Alternative::likelySpeed);
        Comparator<Alternative> byBytes =
                Comparator.comparingLong(each -> each.candidate().model().bytes());
        return fitting.stream()
                .filter(each -> each.likelySpeed() >= FAST_ENOUGH)
                .max(byBytes.thenComparing(bySpeed))
                .or(() -> fitting.stream().max(bySpeed));
    }

    private static List<Help> helps(Planner planner, Alternative taken, Question question, List<Alternative> all) {
        Candidate candidate = taken.candidate();
        int context = taken.contextLength();
        List<Help> helps = new ArrayList<>();
        helps.add(help("twice the main memory", planner.withMemory(2).plan(candidate, taken.place(), context), taken));
        helps.add(help(
                "a disk twice as fast", planner.plan(candidate, taken.place().withDisk(2), context), taken));
        question.gpu()
                .ifPresent(
                        gpu -> helps.add(help("a GPU: " + gpu.name(), planner.plan(candidate, gpu, context), taken)));
        all.stream()
                .filter(each -> each.fits()
                        && each.contextLength() == context
                        && each.candidate().model().bytes() < candidate.model().bytes())
                .max(Comparator.comparingDouble(Alternative::likelySpeed))
                .ifPresent(
                        each -> helps.add(help("fewer bits: " + each.candidate().label(), each, taken)));
        return helps.stream()
                .filter(help -> help.factor() > WORTH_TELLING)
                .sorted(Comparator.comparingDouble(Help::factor).reversed())
                .toList();
    }

    private static Help help(String what, Alternative other, Alternative taken) {
        return new Help(what, other.likelySpeed() / taken.likelySpeed());
    }
}
