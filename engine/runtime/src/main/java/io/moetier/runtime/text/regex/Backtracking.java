package io.moetier.runtime.text.regex;

import io.moetier.runtime.text.regex.Automaton.Place;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Bounds how often a matcher goes back (Weideman et al. 2016, doi:10.1007/978-3-319-40946-7_27).
///
/// A place where a match may end, whatever follows, is *settled*: a matcher that gets there may try to go on, but it
/// never goes back beyond, since it can end there. So what it can walk in vain are walks over places that are not
/// settled, from the start of the match or from a settled place. Where such walks lead round, their number grows with
/// the text; where they lead round in two ways at once, it doubles with each character, and the pattern is refused.
///
/// With `attempt`, the steps of one attempt to match at one place of a text are bounded; with `search`, those parts of
/// them that may be spent without getting on in the text, so that they come again with the next attempt.
record Backtracking(Growth attempt, Growth search) {
    /// @throws IllegalArgumentException if there is no bound but one that doubles with each character
    static Backtracking of(Automaton automaton) {
        return new Analysis(automaton).result();
    }

    private static final class Analysis {
        private final Automaton automaton;
        private final List<Place> places;
        private final Components unsettled;
        private final Components every;
        private final Map<Integer, Growth> walks = new HashMap<>();

        Analysis(Automaton automaton) {
            this.automaton = automaton;
            this.places = automaton.places();
            this.unsettled = new Components(automaton, place -> !automaton.mayEndAt(place));
            this.every = new Components(automaton, place -> true);
        }

        Backtracking result() {
            unsettled.all().forEach(this::walk);
            Growth search = inVain(automaton.first(), 0);
            Growth attempt = search;
            for (int place = 0; place < places.size(); place++) {
                if (automaton.mayEndAt(place)) {
                    // Of the ways on from here, the last one tried leads on and is no step back.
                    Growth here = inVain(places.get(place).next(), 1).plus(looking(place));
                    search = search.plus(here);
                    attempt = attempt.plus(
                            every.isCycle(place) && !here.isNone() ? here.perCharacterOf(round(place)) : here);
                }
            }
            return new Backtracking(attempt, search);
        }

        private CharacterSet round(int place) {
            CharacterSet set = CharacterSet.NONE;
            for (int other = 0; other < places.size(); other++) {
                set = every.together(place, other) ? set.or(places.get(other).set()) : set;
            }
            return set;
        }

        /// Finds what the walks from each place of a component take. Those that it leads to have been done.
        private void walk(List<Integer> component) {
            boolean cycle = unsettled.isCycle(component.getFirst());
            Growth sum = Growth.NONE;
            CharacterSet round = CharacterSet.NONE;
            for (int place : component) {
                if (cycle) {
                    requireOneWayRound(place);
                }
                round = round.or(places.get(place).set());
                sum = sum.plus(inVain(places.get(place).next(), 0)).plus(looking(place));
            }
            Growth found = cycle ? sum.perCharacterOf(round) : sum;
            component.forEach(place -> walks.put(place, found));
        }

        /// Returns the steps of ways on, all but the last few of which are in vain, and of the walks behind them.
        private Growth inVain(Map<Integer, Double> ways, int leadingOn) {
            double number =
                    ways.values().stream().mapToDouble(Double::doubleValue).sum();
            Growth sum = Growth.of(Math.max(0, number - leadingOn));
            for (Map.Entry<Integer, Double> way : ways.entrySet()) {
                sum = sum.plus(walks.getOrDefault(way.getKey(), Growth.NONE).times(way.getValue()));
            }
            return sum;
        }

        private Growth looking(int place) {
            return places.get(place).body().map(body -> of(body).attempt()).orElse(Growth.NONE);
        }

        private void requireOneWayRound(int place) {
            List<Integer> next = places.get(place).next().keySet().stream()
                    .filter(other -> unsettled.together(place, other))
                    .toList();
            for (int i = 0; i < next.size(); i++) {
                boolean twice = places.get(place).next().getOrDefault(next.get(i), 0.0) > 1;
                for (int other : next.subList(i + 1, next.size())) {
                    twice |= places.get(next.get(i)).meets(places.get(other));
                }
                if (twice) {
                    throw new IllegalArgumentException("it can match a text in a number of ways that doubles with"
                            + " each character, since it repeats what it repeats");
                }
            }
        }
    }
}
