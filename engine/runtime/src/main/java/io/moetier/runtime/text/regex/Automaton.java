package io.moetier.runtime.text.regex;

import io.moetier.runtime.text.regex.Expression.Assertion;
import io.moetier.runtime.text.regex.Expression.Characters;
import io.moetier.runtime.text.regex.Expression.Either;
import io.moetier.runtime.text.regex.Expression.Looks;
import io.moetier.runtime.text.regex.Expression.Repeat;
import io.moetier.runtime.text.regex.Expression.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;

/// The places of a pattern and in how many ways one may come after another (Glushkov 1961, "The abstract theory of
/// automata").
///
/// A place takes one character or looks around. Ways are counted, since a matcher that goes back tries each of them,
/// also those that read the same text in the same places: in `(a+)+` the letter follows itself in two ways.
final class Automaton {
    private static final int MOST_PLACES = 2000;
    private static final int MOST_WAYS = 100_000;

    private final List<Place> places = new ArrayList<>();
    private final Part whole;
    private int numWays;

    /// One place.
    ///
    /// @param set what it takes; every character if it looks around and takes none
    /// @param looks where it looks around, if it does
    /// @param body what it looks for, if that is a pattern of its own
    /// @param next the places that may follow, and in how many ways
    record Place(CharacterSet set, Optional<Looks> looks, Optional<Automaton> body, Map<Integer, Double> next) {
        /// Says whether a place with this set may take a character that another takes.
        boolean meets(Place other) {
            return looks.isPresent() || other.looks.isPresent() || set.meets(other.set);
        }
    }

    /// A part of the pattern.
    ///
    /// @param first where it may begin, and in how many ways
    /// @param last where it may end, and in how many ways
    /// @param empty in how many ways it takes nothing
    private record Part(Map<Integer, Double> first, Map<Integer, Double> last, double empty) {
        static final Part NOTHING = new Part(Map.of(), Map.of(), 1);

        Part optional() {
            return new Part(first, last, empty + 1);
        }

        Part or(Part other) {
            return new Part(sum(first, other.first, 1), sum(last, other.last, 1), empty + other.empty);
        }
    }

    /// @throws IllegalArgumentException if the pattern repeats without end what may be empty, or is too large
    Automaton(Expression expression) {
        whole = part(expression);
    }

    List<Place> places() {
        return places;
    }

    /// Returns where a match may begin, and in how many ways.
    Map<Integer, Double> first() {
        return whole.first;
    }

    /// Says whether a match may end at a place, whatever follows.
    boolean mayEndAt(int place) {
        return whole.last.containsKey(place);
    }

    /// Says whether a match may have no place at all.
    boolean mayBeEmpty() {
        return whole.empty > 0;
    }

    private Part part(Expression expression) {
        return switch (expression) {
            case Characters characters ->
                place(new Place(characters.set(), Optional.empty(), Optional.empty(), new TreeMap<>()));
            case Assertion assertion ->
                place(new Place(
                        CharacterSet.ALL,
                        Optional.of(assertion.looks()),
                        assertion.body().map(body -> looked(assertion.looks(), body)),
                        new TreeMap<>()));
            case Sequence sequence -> sequence.parts().stream().map(this::part).reduce(Part.NOTHING, this::then);
            case Either either ->
                either.choices().stream().map(this::part).reduce(Part::or).orElse(Part.NOTHING);
            case Repeat repeat -> repeated(repeat);
        };
    }

    private static Automaton looked(Looks looks, Expression body) {
        Automaton automaton = new Automaton(body);
        Components all = new Components(automaton, place -> true);
        if (looks == Looks.BEHIND && IntStream.range(0, automaton.places.size()).anyMatch(all::isCycle)) {
            throw new IllegalArgumentException("it looks back without end");
        }
        return automaton;
    }

    private Part place(Place place) {
        if (places.size() == MOST_PLACES) {
            throw new IllegalArgumentException("it has more than " + MOST_PLACES + " places");
        }
        places.add(place);
        Map<Integer, Double> here = Map.of(places.size() - 1, 1.0);
        return new Part(here, here, 0);
    }

    private Part then(Part before, Part after) {
        connect(before, after);
        return new Part(
                sum(before.first, after.first, before.empty),
                sum(after.last, before.last, after.empty),
                before.empty * after.empty);
    }

    private Part repeated(Repeat repeat) {
        boolean endless = repeat.most() == Repeat.UNBOUNDED;
        if (endless && repeat.body().leastLength() == 0) {
            throw new IllegalArgumentException("it repeats without end what may be empty");
        }
        int certain = endless ? Math.max(0, repeat.least() - 1) : repeat.least();
        Part end = endless ? endless(repeat) : Part.NOTHING;
        for (int i = repeat.least(); i < repeat.most(); i++) {
            end = then(part(repeat.body()), end).optional();
        }
        Part begin = Part.NOTHING;
        for (int i = 0; i < certain; i++) {
            begin = then(begin, part(repeat.body()));
        }
        return then(begin, end);
    }

    private Part endless(Repeat repeat) {
        Part body = part(repeat.body());
        connect(body, body);
        return repeat.least() == 0 ? body.optional() : body;
    }

    private void connect(Part before, Part after) {
        numWays += before.last.size() * after.first.size();
        if (numWays > MOST_WAYS) {
            throw new IllegalArgumentException("it has more than " + MOST_WAYS + " ways from place to place");
        }
        before.last.forEach((from, out) ->
                after.first.forEach((to, in) -> places.get(from).next().merge(to, out * in, Double::sum)));
    }

    private static Map<Integer, Double> sum(Map<Integer, Double> a, Map<Integer, Double> b, double times) {
        if (times == 0 || b.isEmpty()) {
            return a;
        }
        Map<Integer, Double> sum = new TreeMap<>(a);
        b.forEach((place, ways) -> sum.merge(place, ways * times, Double::sum));
        return sum;
    }
}
