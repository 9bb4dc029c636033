package io.moetier.cluster.placement;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.model.ExpertId;
import io.moetier.testdata.Seeds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class PlacerTest {
    @Test
    void nobodyHoldsMoreThanFitsAndEveryExpertHasAnOwner() {
        Seeds.each(400, (seed, random) -> {
            PlacerInput input = Cases.random(random);
            Placement placement = Placer.place(input);
            assertFits(input, placement);
            assertEquals(placement, Placer.place(input));
            assertSame(placement, Placer.place(Cases.after(input, input.members(), placement)));
        });
    }

    @Test
    void fewExpertsMoveWhenAMemberGoes() {
        Seeds.each(300, (seed, random) -> {
            PlacerInput input = Cases.random(random);
            if (input.members().size() == 1) {
                return;
            }
            Placement before = Placer.place(input);
            int gone = random.nextInt(1, input.members().size());
            List<PlacerInput.Capacity> left = new ArrayList<>(input.members());
            left.remove(gone);
            PlacerInput now = Cases.after(input, left, before);
            Placement after = Placer.place(now);
            assertFits(now, after);
            assertEquals(before.version() + 1, after.version());
            int lost = (int) Arrays.stream(before.ids())
                    .filter(id -> first(before, id) == gone)
                    .count();
            int most = 2 * lost + input.ids().length / Placer.MOVED_FOR_BALANCE;
            assertTrue(numMoved(before, after) <= most, numMoved(before, after) + " > " + most);
        });
    }

    @Test
    void whatMovesWhenAMemberComesMovesThereOrIntoMemory() {
        Seeds.each(300, (seed, random) -> {
            PlacerInput input = Cases.random(random);
            Placement before = Placer.place(input);
            int numLayers = ExpertId.layerOf(input.ids()[input.ids().length - 1]) + 1;
            int numExperts = input.ids().length / numLayers;
            long all = (long) input.ids().length << 20;
            List<PlacerInput.Capacity> more = new ArrayList<>(input.members());
            more.add(Cases.member(random, 99, all / more.size(), numLayers, numExperts));
            PlacerInput now = Cases.after(input, more, before);
            Placement after = Placer.place(now);
            assertFits(now, after);
            int elsewhere = 0;
            for (int id : input.ids()) {
                boolean moves = first(after, id) != first(before, id);
                if (moves && first(after, id) != more.size() - 1 && !isCold(before, id)) {
                    elsewhere++;
                }
            }
            assertTrue(elsewhere <= input.ids().length / Placer.MOVED_FOR_BALANCE, elsewhere + " experts");
            if (Arrays.stream(input.ids()).noneMatch(id -> isCold(before, id))) {
                double seconds = Balance.of(now, withoutCopies(after)).stepSeconds();
                double secondsBefore = Balance.of(input, withoutCopies(before)).stepSeconds();
                assertTrue(seconds <= secondsBefore * (1 + 1e-9), seconds + " s, before " + secondsBefore);
            }
        });
    }

    @Test
    void aMemberThatComesIsGivenItsPart() {
        double[][] uses = Cases.uses(new SplittableRandom(3), 12, 64, 8);
        List<PlacerInput.Capacity> three = new ArrayList<>(List.of(
                Cases.member("driver", 0, 1e10, 0),
                Cases.member("a", 1L << 40, 1e10, 1e-5),
                Cases.member("b", 1L << 40, 1e10, 1e-5)));
        PlacerInput input = Cases.input(uses, 3 << 20, three);
        Placement before = Placer.place(input);
        three.add(Cases.member("c", 1L << 40, 1e10, 1e-5));
        PlacerInput now = Cases.after(input, three, before);
        Placement after = Placer.place(now);
        double share = numMoved(before, after) / (double) input.ids().length;
        assertTrue(share > 0.1 && share < 0.45, "moved " + share);
        assertTrue(
                Balance.of(now, after).stepSeconds()
                        < 0.75 * Balance.of(input, before).stepSeconds(),
                Balance.of(now, after).stepSeconds() + " s");
    }

    /// All placements of small cases, without copies.
    @Test
    void isNearTheBestThatThereIs() {
        Seeds.each(40, (seed, random) -> {
            List<PlacerInput.Capacity> members = List.of(
                    Cases.member("driver", (long) random.nextInt(7) << 20, random.nextDouble(5e9, 2e10), 0),
                    Cases.member("a", (long) random.nextInt(1, 7) << 20, random.nextDouble(5e9, 2e10), 2e-5),
                    Cases.member("b", (long) random.nextInt(2, 7) << 20, random.nextDouble(5e9, 2e10), 5e-5));
            PlacerInput input = Cases.input(Cases.uses(random, 2, 3, 1), 1 << 20, members);
            double best = best(input);
            double found = Balance.of(input, withoutCopies(Placer.place(input))).stepSeconds();
            assertTrue(found >= best * (1 - 1e-9), found + " < " + best);
            assertTrue(found <= 1.25 * best, found / best + " times the best");
        });
    }

    @Test
    void isFasterThanConsistentHashing() {
        Seeds.each(20, (seed, random) -> {
            List<PlacerInput.Capacity> members = new ArrayList<>();
            members.add(Cases.member("driver", 0, 1e10, 0));
            int numNodes = random.nextInt(2, 9);
            for (int i = 0; i < numNodes; i++) {
                members.add(Cases.member("node " + i, 1L << 40, 1e10, 1e-4));
            }
            PlacerInput input = Cases.input(Cases.uses(random, 8, 64, 8), 3 << 20, members);
            double placed =
                    Balance.of(input, withoutCopies(Placer.place(input))).stepSeconds();
            double hashed = Balance.of(input, hashed(input)).stepSeconds();
            double copied = Balance.of(input, Placer.place(input)).stepSeconds();
            assertTrue(placed < 0.95 * hashed, placed + " against " + hashed);
            assertTrue(copied <= 1.01 * placed, copied + " against " + placed);
        });
    }

    @Test
    void theMostUsedExpertsAreInMemoryAndCopied() {
        double[][] uses = {{0.9, 0.1, 0.8, 0.05, 0.02, 0.13}};
        List<PlacerInput.Capacity> members = List.of(
                Cases.member("driver", 0, 1e10, 0),
                new PlacerInput.Capacity("a", 3 << 20, 1e10, 1e9, 1e-4, new int[] {4}),
                new PlacerInput.Capacity("b", 1 << 20, 1e10, 1e9, 1e-4, new int[0]));
        Placement placement = Placer.place(Cases.input(uses, 1 << 20, members));
        assertFalse(isCold(placement, 0));
        assertFalse(isCold(placement, 2));
        assertTrue(isCold(placement, 3));
        assertTrue(isCold(placement, 4));
        assertArrayEquals(new int[] {Placement.DRIVER}, placement.owners(0, 3));

        List<PlacerInput.Capacity> larger =
                List.of(members.get(0), Cases.member("a", 5 << 20, 1e10, 1e-4), Cases.member("b", 5 << 20, 1e10, 1e-4));
        Placement copied = Placer.place(Cases.input(uses, 1 << 20, larger));
        assertEquals(2, copied.numOwners(0, 0));
        assertEquals(2, copied.numOwners(0, 2));
        assertEquals(1, copied.numOwners(0, 4));
        int[] assigned = copied.assignment(copied.owner(0, 0, 0), id -> uses[0][id]);
        assertEquals(0, assigned[0]);
        assertEquals(5, assigned.length);
    }

    @Test
    void layersStayWithTheDriverWhereNodesAreFar() {
        double[][] uses = new double[4][8];
        for (double[] layer : uses) {
            Arrays.fill(layer, 0.25);
        }
        List<PlacerInput.Capacity> members =
                List.of(Cases.member("driver", 16 << 20, 1e10, 0), Cases.member("far", 16 << 20, 1e10, 1));
        Placement placement = Placer.place(Cases.input(uses, 1 << 20, members));
        double step = Balance.of(Cases.input(uses, 1 << 20, members), placement).stepSeconds();
        assertTrue(step > 2 && step < 2.01, "two layers are far, not " + step);
    }

    @Test
    void placesALargeModelOnManyNodes() {
        SplittableRandom random = new SplittableRandom(9);
        List<PlacerInput.Capacity> members = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            members.add(Cases.member(
                    "node " + i,
                    ((long) random.nextInt(300, 500) * 11) << 20,
                    random.nextDouble(5e9, 2e10),
                    i == 0 ? 0 : 2e-4));
        }
        PlacerInput input = Cases.input(Cases.uses(random, 61, 256, 8), 11 << 20, members);
        Placement placement = Placer.place(input);
        assertFits(input, placement);
        assertTrue(Balance.of(input, placement).slowestToMean() < 1.5);
        PlacerInput now = Cases.after(input, members.subList(0, 63), placement);
        assertFits(now, Placer.place(now));
        assertTrue(placement.bytes().length < 100_000, placement.bytes().length + " bytes");
    }

    @Test
    void whatIsNoInputIsRefused() {
        List<PlacerInput.Capacity> one = List.of(Cases.member("driver", 1, 1, 0));
        assertThrows(IllegalArgumentException.class, () -> Cases.input(new double[][] {{1}}, 1, List.of()));
        assertThrows(IllegalArgumentException.class, () -> Cases.input(new double[][] {{Double.NaN}}, 1, one));
        assertThrows(IllegalArgumentException.class, () -> Cases.input(new double[][] {{1}}, 0, one));
        assertThrows(
                IllegalArgumentException.class,
                () -> Cases.input(new double[][] {{1}}, 1, List.of(one.getFirst(), one.getFirst())));
        assertThrows(IllegalArgumentException.class, () -> Cases.member("a", 1, 0, 0));
        PlacerInput two = Cases.input(new double[][] {{1, 1}}, 1, one);
        Placement ofOne = Placer.place(Cases.input(new double[][] {{1}}, 1, one));
        assertThrows(IllegalArgumentException.class, () -> Cases.after(two, one, ofOne));
    }

    private static int first(Placement placement, int id) {
        return placement.owner(ExpertId.layerOf(id), ExpertId.expertOf(id), 0);
    }

    private static boolean isCold(Placement placement, int id) {
        return placement.isColdAt(placement.find(ExpertId.layerOf(id), ExpertId.expertOf(id)));
    }

    /// Returns how many experts another member is asked for first, by the members' names.
    private static int numMoved(Placement before, Placement after) {
        return (int) Arrays.stream(after.ids())
                .filter(id -> !before.members()
                        .get(first(before, id))
                        .equals(after.members().get(first(after, id))))
                .count();
    }

    private static void assertFits(PlacerInput input, Placement placement) {
        assertArrayEquals(input.ids(), placement.ids());
        long[] held = new long[input.members().size()];
        for (int i = 0; i < input.ids().length; i++) {
            int layer = ExpertId.layerOf(input.ids()[i]);
            int expert = ExpertId.expertOf(input.ids()[i]);
            assertTrue(placement.numOwners(layer, expert) >= 1);
            for (int owner : placement.owners(layer, expert)) {
                if (!placement.isColdAt(i)) {
                    held[owner] += input.bytes()[i];
                } else {
                    int[] onDisk = input.members().get(owner).onDisk();
                    assertTrue(
                            owner == Placement.DRIVER || Arrays.binarySearch(onDisk, input.ids()[i]) >= 0,
                            "read from a disk that does not have it");
                }
            }
        }
        for (int member = 0; member < held.length; member++) {
            assertTrue(held[member] <= input.members().get(member).ramBytes(), "member " + member + " is overfull");
        }
    }

    private static Placement withoutCopies(Placement placement) {
        int[] ids = placement.ids();
        int[][] owners = new int[ids.length][];
        BitSet cold = new BitSet();
        for (int i = 0; i < ids.length; i++) {
            owners[i] = new int[] {first(placement, ids[i])};
            cold.set(i, placement.isColdAt(i));
        }
        return new Placement(1, placement.members(), ids, owners, cold);
    }

    private static Placement hashed(PlacerInput input) {
        int[][] owners = new int[input.ids().length][];
        for (int i = 0; i < owners.length; i++) {
            int best = 1;
            for (int member = 2; member < input.members().size(); member++) {
                if (hash(input.ids()[i], member) > hash(input.ids()[i], best)) {
                    best = member;
                }
            }
            owners[i] = new int[] {best};
        }
        List<String> names =
                input.members().stream().map(PlacerInput.Capacity::name).toList();
        return new Placement(1, names, input.ids(), owners, new BitSet());
    }

    private static long hash(int id, int member) {
        return new SplittableRandom((long) id << 20 | member).nextLong();
    }

    /// Returns the seconds of the best placement; what is in nobody's memory is with the driver.
    private static double best(PlacerInput input) {
        int numExperts = input.ids().length;
        int ways = input.members().size() + 1; // the last one is the driver's disk
        double best = Double.POSITIVE_INFINITY;
        for (int code = 0; code < Math.pow(ways, numExperts); code++) {
            int[][] owners = new int[numExperts][];
            BitSet cold = new BitSet();
            long[] held = new long[ways];
            int rest = code;
            boolean fits = true;
            for (int i = 0; i < numExperts; i++) {
                int way = rest % ways;
                rest /= ways;
                cold.set(i, way == ways - 1);
                owners[i] = new int[] {way == ways - 1 ? 0 : way};
                held[way] += input.bytes()[i];
                fits &= way == ways - 1 || held[way] <= input.members().get(way).ramBytes();
            }
            if (fits) {
                List<String> names =
                        input.members().stream().map(PlacerInput.Capacity::name).toList();
                Placement placement = new Placement(1, names, input.ids(), owners, cold);
                best = Math.min(best, Balance.of(input, placement).stepSeconds());
            }
        }
        return best;
    }
}
