package io.moetier.lab.simulate;

import io.moetier.runtime.trace.TokenRow;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceReader;
import io.moetier.storage.model.Modality;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;

/// What a cache finds that starts with the experts which tokens of images, or of text, chose most, beside one that
/// starts with those which all tokens chose most.
///
/// Nothing enters or leaves meanwhile: this is what warming alone is worth. What a request finds is counted by the
/// others: requests are dealt into at most [#MOST_PARTS] parts, and each part's caches are warmed by the rest.
///
/// @param hindsight whether there is one request only, which then warms for itself
/// @param rows one for each budget
public record WarmedByModality(boolean hindsight, List<Row> rows) {
    private static final int MOST_PARTS = 16;

    public WarmedByModality {
        rows = List.copyOf(rows);
    }

    /// One budget.
    ///
    /// @param changed experts of the one cache that are not in the other, on average: what has to come where images
    ///     follow a text
    public record Row(SlotPlan plan, Found image, Found text, double changed) {
        /// Returns the share of all choices that are found where each kind has a cache of its own.
        public double byOwn() {
            return (image.byOwn + text.byOwn) / (image.choices + text.choices);
        }

        /// Returns the share of all choices that are found where they have one.
        public double byAll() {
            return (image.byAll + text.byAll) / (image.choices + text.choices);
        }
    }

    /// What tokens of one kind chose and found.
    ///
    /// @param byAll choices found where all tokens warm the cache
    /// @param byOwn choices found where tokens of the same kind do
    public record Found(double choices, double byAll, double byOwn) {
        private static final Found NOTHING = new Found(0, 0, 0);

        private static Found of(long[] chosen, BitSet all, BitSet own) {
            return new Found(Arrays.stream(chosen).sum(), in(all, chosen), in(own, chosen));
        }

        private static long in(BitSet cache, long[] chosen) {
            return cache.stream().mapToLong(id -> chosen[id]).sum();
        }

        private Found plus(Found other) {
            return new Found(choices + other.choices, byAll + other.byAll, byOwn + other.byOwn);
        }

        /// Returns the share found where all tokens warm the cache.
        public double shareByAll() {
            return choices == 0 ? 0 : byAll / choices;
        }

        /// Returns the share found where tokens of the same kind do.
        public double shareByOwn() {
            return choices == 0 ? 0 : byOwn / choices;
        }
    }

    /// Something of text and the same of images.
    private record Both<T>(T text, T image) {
        T of(Modality modality) {
            return switch (modality) {
                case TEXT -> text;
                case IMAGE -> image;
            };
        }

        <R> Both<R> map(Function<T, R> each) {
            return new Both<>(each.apply(text), each.apply(image));
        }
    }

    /// Reads a trace to its end.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if it is damaged
    public static WarmedByModality of(TraceReader trace, SlotPlan.Sizes sizes, List<SlotPlan> plans) {
        Counts counts = Counts.read(trace, sizes);
        return new WarmedByModality(
                counts.parts.size() < 2, plans.stream().map(counts::row).toList());
    }

    /// How often each expert was chosen, layer after layer, in each part of the requests.
    private static final class Counts {
        private final SlotPlan.Sizes sizes;
        private final int experts;
        private final int size;
        private final Map<Integer, Integer> requests = new HashMap<>(); // and the part of each
        private final List<Both<long[]>> parts = new ArrayList<>();

        private Counts(TraceHeader header, SlotPlan.Sizes sizes) {
            this.sizes = sizes;
            experts = header.experts();
            size = header.layers() * experts;
        }

        static Counts read(TraceReader trace, SlotPlan.Sizes sizes) {
            Counts counts = new Counts(trace.header(), sizes);
            TokenRow row = new TokenRow(trace.header());
            int topK = trace.header().topK();
            while (trace.read(row)) {
                long[] of = counts.part(row.request()).of(row.modality());
                for (int i = 0; i < row.experts().length; i++) {
                    if (row.experts()[i] != TokenRow.NONE) {
                        of[i / topK * counts.experts + row.experts()[i]]++;
                    }
                }
            }
            return counts;
        }

        private Both<long[]> part(int request) {
            int part = requests.computeIfAbsent(request, _ -> requests.size() % MOST_PARTS);
            if (part == parts.size()) {
                parts.add(new Both<>(new long[size], new long[size]));
            }
            return parts.get(part);
        }

        private Row row(SlotPlan plan) {
            Found text = Found.NOTHING;
            Found image = Found.NOTHING;
            double changed = 0;
            for (int i = 0; i < parts.size(); i++) {
                Both<long[]> part = parts.get(i);
                Both<long[]> others = others(i);
                BitSet all = most(sum(others.text, others.image), plan);
                Both<BitSet> own = others.map(of -> most(of, plan));
                text = text.plus(Found.of(part.text, all, own.text));
                image = image.plus(Found.of(part.image, all, own.image));
                own.text.andNot(own.image);
                changed += (double) own.text.cardinality() / parts.size();
            }
            return new Row(plan, image, text, changed);
        }

        /// Returns what the other parts chose; if there is no other, what this one did.
        private Both<long[]> others(int part) {
            Both<long[]> sum = new Both<>(new long[size], new long[size]);
            for (int i = 0; i < parts.size(); i++) {
                if (i != part || parts.size() == 1) {
                    Both<long[]> other = parts.get(i);
                    sum = new Both<>(sum(sum.text, other.text), sum(sum.image, other.image));
                }
            }
            return sum;
        }

        private static long[] sum(long[] one, long[] other) {
            return IntStream.range(0, one.length)
                    .mapToLong(id -> one[id] + other[id])
                    .toArray();
        }

        /// Returns the experts that a cache starts with: of each size those that were chosen most.
        private BitSet most(long[] counts, SlotPlan plan) {
            BitSet most = new BitSet(size);
            for (int ofSize = 0; ofSize < plan.slots().size(); ofSize++) {
                int wanted = ofSize;
                IntStream.range(0, size)
                        .filter(id -> sizes.classOfLayer().get(id / experts) == wanted)
                        .boxed()
                        .sorted(Comparator.comparingLong(id -> -counts[id]))
                        .limit(plan.slots().get(ofSize))
                        .forEach(most::set);
            }
            return most;
        }
    }
}
