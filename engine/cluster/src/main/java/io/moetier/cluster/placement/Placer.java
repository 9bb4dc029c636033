package io.moetier.cluster.placement;

import io.moetier.storage.model.ExpertId;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.TreeSet;
import java.util.stream.IntStream;

/// Decides which member computes which expert, so that a step is expected to take the least time: the sum over
/// layers of the member that is through last, each taking its round trip and what it uses of its experts at its
/// speed.
///
/// Experts that are used most are placed first, each with the member that would be through first and has
/// memory; what no memory has room for is read from the disk of a member that has it, or of the driver. Then
/// experts of the slowest member of a layer move or change places while that makes the layer faster. Where the
/// driver could hold layers as a whole, which then need no round trip, plans with several numbers of such
/// layers are compared. What memory is left holds copies.
///
/// *Changes.* With a placement before, experts stay where they are. Where members have gone, their experts find other
/// owners, and one that is used twice as much takes the place of one in memory; so at most two experts for each
/// one that was lost get another owner. Where members have come, experts move to these, and what was cold into
/// memory. Beside this, one expert of 32 may move for balance alone.
///
/// The result depends on the input alone.
public final class Placer {
    /// Of so many experts one may move for balance alone.
    static final int MOVED_FOR_BALANCE = 32;

    private static final int TRIALS = 4;
    private static final int NEVER = Integer.MAX_VALUE;

    private final PlacerInput input;
    private final List<Integer> byUse; // the most used expert first

    private Placer(PlacerInput input) {
        this.input = input;
        byUse = IntStream.range(0, input.ids().length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -input.uses()[i])
                        .thenComparingLong(i -> -input.bytes()[i])
                        .thenComparingInt(
                                i -> ExpertId.expertOf(input.ids()[i])) // all layers get of what there is too little of
                        .thenComparingInt(i -> input.ids()[i]))
                .toList();
    }

    /// Places all experts. The placement before is returned as it is if nothing gets another owner.
    public static Placement place(PlacerInput input) {
        return new Placer(input).place();
    }

    private Placement place() {
        Plan plan = input.previous().map(this::change).orElseGet(this::begin);
        int[][] owners = new Copies(input, plan, byUse).owners();
        BitSet cold = new BitSet();
        IntStream.range(0, plan.numExperts()).filter(i -> plan.cold[i]).forEach(cold::set);
        long version = input.previous().map(Placement::version).orElse(0L);
        Placement unchanged = new Placement(version, plan.names(), input.ids(), owners, cold);
        return input.previous()
                .filter(unchanged::equals)
                .orElseGet(() -> new Placement(version + 1, plan.names(), input.ids(), owners, cold));
    }

    private Plan begin() {
        Plan empty = new Plan(input);
        int mostLocal = numLocalLayers(empty);
        TreeSet<Integer> trials = new TreeSet<>();
        for (int i = 0; i <= TRIALS; i++) {
            trials.add(mostLocal * i / TRIALS);
        }
        Plan best = empty;
        double least = Double.POSITIVE_INFINITY;
        for (int numLocal : trials) {
            Plan plan = empty.copy();
            for (int i = 0; i < plan.layerStart(numLocal); i++) {
                plan.assign(i, Placement.DRIVER, false);
            }
            placeRest(plan);
            double seconds = plan.stepSeconds();
            if (seconds < least * (1 - 1e-9)) {
                best = plan;
                least = seconds;
            }
        }
        new Improvement(best, anybody()).run(NEVER);
        return best;
    }

    /// Returns how many layers the driver has memory for, all of their experts.
    private int numLocalLayers(Plan plan) {
        long room = plan.room[Placement.DRIVER];
        for (int i = 0; i < plan.numExperts(); i++) {
            room -= plan.bytes(i);
            if (room < 0) {
                return plan.layerOf(i);
            }
        }
        return plan.numLayers();
    }

    /// Places what nobody has, into memory where there is room.
    private void placeRest(Plan plan) {
        for (int expert : byUse) {
            if (plan.first[expert] == Plan.NOBODY) {
                int member = soonest(plan, expert);
                if (member != Plan.NOBODY) {
                    plan.assign(expert, member, false);
                }
            }
        }
        for (int expert : byUse) {
            if (plan.first[expert] == Plan.NOBODY) {
                plan.assign(expert, soonestReader(plan, expert), true);
            }
        }
    }

    private static int soonest(Plan plan, int expert) {
        int best = Plan.NOBODY;
        double least = Double.POSITIVE_INFINITY;
        for (int member = 0; member < plan.numMembers; member++) {
            if (plan.hasRoom(expert, member)) {
                double finish = plan.finish(plan.layerOf(expert), member, plan.seconds(expert, member, false));
                if (finish < least) {
                    best = member;
                    least = finish;
                }
            }
        }
        return best;
    }

    private static int soonestReader(Plan plan, int expert) {
        int best = Placement.DRIVER;
        double least = Double.POSITIVE_INFINITY;
        for (int member = 0; member < plan.numMembers; member++) {
            if (plan.hasOnDisk(expert, member)) {
                double finish = plan.finish(plan.layerOf(expert), member, plan.seconds(expert, member, true));
                if (finish < least) {
                    best = member;
                    least = finish;
                }
            }
        }
        return best;
    }

    private Plan change(Placement before) {
        Map<String, Integer> numbers = new HashMap<>();
        input.members().forEach(member -> numbers.put(member.name(), numbers.size()));
        int[][] former = former(before, numbers);
        Plan plan = new Plan(input);
        for (int expert : byUse) {
            for (int member : former[expert]) {
                if (plan.hasRoom(expert, member) && !before.isColdAt(expert)) {
                    plan.assign(expert, member, false);
                    break;
                }
            }
        }
        replaceLessUsed(plan, before);
        for (int expert : byUse) {
            int[] owners = former[expert];
            if (plan.first[expert] == Plan.NOBODY
                    && soonest(plan, expert) == Plan.NOBODY
                    && owners.length > 0
                    && plan.hasOnDisk(expert, owners[0])) {
                plan.assign(expert, owners[0], true); // as cold as it was
            }
        }
        placeRest(plan);
        boolean[] isNew = new boolean[plan.numMembers];
        for (int member = 0; member < isNew.length; member++) {
            isNew[member] =
                    !before.members().contains(input.members().get(member).name());
        }
        new Improvement(plan, isNew).run(NEVER);
        new Improvement(plan, anybody()).run(plan.numExperts() / MOVED_FOR_BALANCE);
        return plan;
    }

    /// Returns the present numbers of the owners that each expert had.
    private int[][] former(Placement before, Map<String, Integer> numbers) {
        int[] numberOf = before.members().stream()
                .mapToInt(name -> numbers.getOrDefault(name, Plan.NOBODY))
                .toArray();
        int[][] former = new int[input.ids().length][];
        for (int i = 0; i < former.length; i++) {
            former[i] = Arrays.stream(before.ownersAt(i))
                    .map(owner -> numberOf[owner])
                    .filter(member -> member != Plan.NOBODY)
                    .toArray();
        }
        return former;
    }

    /// Puts experts whose owners have gone, and for which no memory is left, in place of experts that are used
    /// less than half as much.
    private void replaceLessUsed(Plan plan, Placement before) {
        PriorityQueue<Integer> leastUsed = new PriorityQueue<>(
                Comparator.comparingDouble((Integer i) -> input.uses()[i]).thenComparing(i -> i));
        IntStream.range(0, plan.numExperts())
                .filter(i -> plan.first[i] != Plan.NOBODY)
                .forEach(leastUsed::add);
        for (int expert : byUse) {
            if (plan.first[expert] != Plan.NOBODY || before.isColdAt(expert)) {
                continue;
            }
            int member = soonest(plan, expert);
            if (member != Plan.NOBODY) {
                plan.assign(expert, member, false);
                continue;
            }
            Integer victim = leastUsed.poll();
            if (victim == null || input.uses()[victim] * 2 >= input.uses()[expert]) {
                return;
            }
            int owner = plan.first[victim];
            if (plan.room[owner] + plan.bytes(victim) >= plan.bytes(expert)) {
                plan.take(victim);
                plan.assign(expert, owner, false);
            }
        }
    }

    private boolean[] anybody() {
        boolean[] all = new boolean[input.members().size()];
        Arrays.fill(all, true);
        return all;
    }
}
