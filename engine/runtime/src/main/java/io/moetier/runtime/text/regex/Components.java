package io.moetier.runtime.text.regex;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.IntPredicate;

/// The strongly connected components of the places of a pattern, those that some walk leads round in: a component comes
/// after those that it leads to (Tarjan 1972, doi:10.1137/0201010).
final class Components {
    private final Automaton automaton;
    private final IntPredicate included;
    private final int[] component;
    private final int[] order;
    private final int[] lowest;
    private final Deque<Integer> open = new ArrayDeque<>();
    private final List<List<Integer>> all = new ArrayList<>();
    private int visited;

    Components(Automaton automaton, IntPredicate included) {
        this.automaton = automaton;
        this.included = included;
        int count = automaton.places().size();
        component = new int[count];
        order = new int[count];
        lowest = new int[count];
        java.util.Arrays.fill(component, -1);
        for (int place = 0; place < count; place++) {
            if (included.test(place) && order[place] == 0) {
                visit(place);
            }
        }
    }

    List<List<Integer>> all() {
        return all;
    }

    /// Says whether two places are in one component.
    boolean together(int a, int b) {
        return component[a] >= 0 && component[a] == component[b];
    }

    /// Says whether a walk leads round in the component of a place.
    boolean isCycle(int place) {
        return automaton.places().get(place).next().keySet().stream().anyMatch(next -> together(place, next));
    }

    private void visit(int place) {
        order[place] = lowest[place] = ++visited;
        open.push(place);
        for (int next : automaton.places().get(place).next().keySet()) {
            if (included.test(next)) {
                if (order[next] == 0) {
                    visit(next);
                    lowest[place] = Math.min(lowest[place], lowest[next]);
                } else if (component[next] < 0) {
                    lowest[place] = Math.min(lowest[place], order[next]);
                }
            }
        }
        if (lowest[place] == order[place]) {
            close(place);
        }
    }

    private void close(int root) {
        List<Integer> members = new ArrayList<>();
        int member;
        do {
            member = open.pop();
            component[member] = all.size();
            members.add(member);
        } while (member != root);
        all.add(members);
    }
}
