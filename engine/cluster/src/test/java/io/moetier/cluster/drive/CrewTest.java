package io.moetier.cluster.drive;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cluster.link.RefusedException;
import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.Membership;
import io.moetier.cluster.membership.MembershipListener;
import io.moetier.cluster.membership.Ownership;
import io.moetier.cluster.membership.Tasks;
import io.moetier.cluster.placement.Placement;
import io.moetier.cluster.placement.PlacerInput;
import io.moetier.runtime.remote.NodesVerdict;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.model.ExpertId;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Who is asked for what as nodes come and go; nothing here is real but the experts.
class CrewTest {
    @TempDir
    static Path folder;

    private static StoreManifest manifest;

    @BeforeAll
    static void importModel() {
        manifest = StoreManifest.read(Text.store(folder, "tiny-mixtral"));
    }

    private final FakeMembership membership = new FakeMembership();
    private final Map<String, FakeLink> links = new ConcurrentHashMap<>();
    private final List<String> said = new CopyOnWriteArrayList<>();
    private volatile NodeOpener opener = member -> links.computeIfAbsent(member.id(), _ -> new FakeLink());
    private Optional<Judge> judge = Optional.empty();
    private @Nullable Crew crew;

    @AfterEach
    void close() {
        if (crew != null) {
            crew.close();
        }
        links.values().forEach(link -> assertTrue(link.closed));
    }

    private void gather() {
        crew = Crew.gather(
                membership,
                member -> opener.open(member),
                new Allotment(
                        manifest,
                        4096,
                        _ -> 1,
                        new Allotment.Capacity(0, 1e9, 1e7),
                        new KeptPlacement(
                                manifest.expertsDigest(),
                                PlacerInput.ids(manifest),
                                membership.tables,
                                Optional.empty(),
                                said::add),
                        new Judging(judge, said::add)),
                said::add);
    }

    private Crew crew() {
        return Objects.requireNonNull(crew);
    }

    private FakeLink link(String name) {
        return Objects.requireNonNull(links.get(name));
    }

    private Placement published() {
        return Placement.parse(membership.tables.table(manifest.expertsDigest()).orElseThrow());
    }

    @Test
    void withoutNodesNothingLeadsAway() {
        gather();
        for (StoreManifest.Entry entry : manifest.experts()) {
            assertFalse(crew().routes().leadsAway(entry.id().layer(), entry.id().expert()));
        }
        assertTrue(membership.tables.models().isEmpty());
    }

    @Test
    void allExpertsAreAssignedAndEachIsAskedOfWhoHasIt() {
        membership.join("a");
        membership.join("b");
        gather();
        Placement placement = published();
        for (int owner = 1; owner <= 2; owner++) {
            int[] assigned = placement.assignment(owner, _ -> 1);
            Arrays.sort(assigned);
            assertArrayEquals(assigned, link(placement.members().get(owner)).assigned());
        }
        int first = ExpertId.pack(0, 0);
        links.values().forEach(link -> link.ready.add(first));
        assertTrue(crew().routes().leadsAway(0, 0));
        assertFalse(crew().routes().leadsAway(0, 1), "nobody has it yet");
    }

    /// As `cluster drain` calls them. One that comes again has another id.
    @Test
    void nodesOfOneNameAreToldApartByTheirPlaces() throws InterruptedException {
        membership.join(FakeLink.member("1", "attic", "here:1"));
        membership.join(FakeLink.member("2", "attic", "there:1"));
        gather();
        List<String> names = List.of("attic@here:1", "attic@there:1");
        assertEquals(names, crew().uses().stream().map(NodeUse::name).toList());
        List<String> members = published().members();
        assertEquals(names, members.subList(1, members.size()));
        membership.join(FakeLink.member("3", "attic", "there:1"));
        await(() -> crew().uses().size() == 3);
        assertEquals("attic@there:1", crew().uses().getLast().name());
    }

    @Test
    void theIdlerOfTwoCopiesIsAsked() {
        membership.join("a");
        membership.join("b");
        gather();
        NodePort one = crew().routes().idlest(0, 0);
        assertNotNull(one);
        one.give(0, 10);
        NodePort other = crew().routes().idlest(0, 0);
        assertNotNull(other);
        assertFalse(one == other, "both have room for all");
        other.give(0, 20);
        assertEquals(one, crew().routes().idlest(0, 0));
        one.begin();
        other.begin();
    }

    @Test
    void aModelThatNobodyHasATableForIsDrivenAllTheSame() throws InterruptedException {
        membership.tables.full = true;
        membership.join("a");
        gather();
        assertEquals(2, crew().routes().ports().length);
        membership.join("b");
        await(() -> crew().routes().ports().length == 3);
        String unknown = "who owns which expert is known to this driver alone: it is full";
        assertEquals(1, said.stream().filter(unknown::equals).count(), said::toString);
        membership.tables.full = false;
        membership.leave("b");
        await(() -> !membership.tables.models().isEmpty());
    }

    @Test
    void whoLeavesFailsAtOnceAndIsAskedNoLonger() throws InterruptedException {
        membership.join("a");
        membership.join("b");
        gather();
        membership.leave("a");
        assertFalse(link("a").isUp(), "before the worker has had its turn");
        await(() -> crew().routes().ports().length == 2);
        membership.leave("b");
        await(() -> crew().routes().ports().length == 1);
        assertNull(crew().routes().idlest(0, 0));
        assertTrue(said.stream().anyMatch(sentence -> sentence.startsWith("node b is gone: ")), said::toString);
        assertTrue(published().members().contains("b"), "who was there last is known");
    }

    @Test
    void aLinkThatFailedIsOpenedAgain() throws InterruptedException {
        membership.join("a");
        gather();
        FakeLink first = Objects.requireNonNull(links.remove("a"));
        first.fail("cut");
        crew().look();
        await(() -> links.containsKey("a") && crew().routes().ports().length == 2);
        assertTrue(first.closed);
        await(() -> said.contains("node a can be asked from now on, again"));
    }

    @Test
    void aNodeThatRefusesIsLeftOutAndSaysWhyOnce() {
        membership.join("a");
        opener = _ -> {
            throw new RefusedException("it runs version 9");
        };
        gather();
        crew().look();
        membership.join("b");
        crew().without("nobody"); // what was asked before has been done
        assertEquals(List.of("node a is left out: it runs version 9", "node b is left out: it runs version 9"), said);
    }

    @Test
    void whoeverIsToLeaveIsAskedNoLongerButMayAnswer() {
        membership.join("a");
        gather();
        crew().without("a");
        assertEquals(1, crew().routes().ports().length);
        assertTrue(link("a").isUp());
        crew().look();
        crew().without("nobody");
        assertEquals(1, crew().routes().ports().length);
    }

    @Test
    void whoeverIsToLeaveIsWaitedForWhereALayerIsUnderWay() throws Exception {
        membership.join("a");
        membership.join("b");
        gather();
        assertEquals(3, crew().begin().ports().length);
        CompletableFuture<Void> done = CompletableFuture.runAsync(() -> crew().without("a"));
        await(() -> crew().routes().ports().length == 2);
        assertFalse(done.isDone());
        crew().end();
        done.get();
        assertEquals(2, crew().begin().ports().length);
        crew().without("nobody");
        crew().end();
    }

    @Test
    void whatFailsAtTheBeginningIsThrownAndNothingIsLeft() {
        membership.join("a");
        membership.broken = true;
        assertTrue(String.valueOf(
                        assertThrows(IllegalStateException.class, this::gather).getCause())
                .contains("broken"));
    }

    @Test
    void whatFailsLaterIsSaid() throws InterruptedException {
        gather();
        membership.broken = true;
        crew().look();
        await(() -> said.contains("experts stay where they are: broken"));
        membership.broken = false;
        membership.join("b");
        await(() -> crew().routes().ports().length == 2);
    }

    @Test
    void aNodeWhoseOpeningFailsKeepsNobodyWaitingAndIsSaidEachTimeItComesToThat() throws InterruptedException {
        NodeOpener good = opener;
        NodeOpener bad = member -> {
            if (member.name().equals("a")) {
                throw new IllegalArgumentException("broken");
            }
            return good.open(member);
        };
        opener = bad;
        membership.join("a");
        membership.join("b");
        gather();
        assertEquals(2, crew().routes().ports().length);
        assertEquals(List.of("node a is left out: broken", "node b can be asked from now on"), said);
        opener = good;
        await(() -> said.contains("node a can be asked from now on"));
        opener = bad;
        Objects.requireNonNull(links.remove("a")).fail("cut");
        crew().look();
        await(() -> said.size() == 5);
        assertEquals("node a is left out: broken", said.getLast());
    }

    /// It is the only one that gets no experts.
    @Test
    void aNodeThatNothingCanBePlacedOnIsLeftOut() throws InterruptedException {
        String longest = "é".repeat(128);
        for (String name : List.of("", longest, longest + "e", "still", "last")) {
            membership.join(name);
        }
        opener = member -> links.computeIfAbsent(
                member.id(), _ -> new FakeLink(1 << 30, member.name().equals("still") ? 0 : 1e9));
        gather();
        assertEquals(Set.of("", longest, "last"), Set.copyOf(published().members()), said::toString);
        assertEquals(3, crew().routes().ports().length);
        for (String name : List.of("", longest + "e", "still")) {
            assertTrue(link(name).closed, name);
            assertTrue(
                    said.stream().anyMatch(sentence -> sentence.startsWith("node " + name + " is left out: no expert")),
                    said::toString);
        }
    }

    /// Who comes makes a new question of it; what is counted meanwhile does not.
    @Test
    void whereAJudgeDecidesSoEverythingStaysHere() throws InterruptedException {
        judge = Optional.of(proposal -> {
            int numNodes = proposal.ways().size();
            assertEquals(numNodes + 1, proposal.members().size());
            assertEquals(1e-6, proposal.ways().getFirst().roundTripSeconds(), 1e-12);
            return new NodesVerdict(numNodes > 1, numNodes + " of them");
        });
        membership.join("a");
        gather();
        assertEquals(List.of("node a can be asked from now on", "1 of them"), said);
        assertEquals(1, crew().routes().ports().length);
        assertFalse(crew().routes().leadsAway(0, 0));
        assertEquals(0, link("a").assigned().length);
        assertTrue(membership.tables.models().isEmpty());
        membership.join("b");
        await(() -> crew().routes().ports().length == 3);
        assertTrue(crew().routes().leadsAway(0, 0));
        Routes before = crew().routes();
        crew().placeAnew();
        await(() -> !crew().routes().equals(before));
        membership.leave("b");
        await(() -> crew().routes().ports().length == 1);
        assertEquals(0, link("a").assigned().length);
        assertEquals(
                List.of("1 of them", "2 of them", "1 of them"),
                said.stream().filter(sentence -> sentence.endsWith("of them")).toList());
    }

    /// Neither a way that is being opened nor a pause makes anybody wait.
    @Test
    void closingEndsWhatIsBeingOpened() throws InterruptedException {
        CountDownLatch opening = new CountDownLatch(1);
        gather();
        opener = _ -> {
            opening.countDown();
            try {
                new CountDownLatch(1).await();
                throw new AssertionError("nobody opens it");
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new UncheckedIOException(new InterruptedIOException("interrupted"));
            }
        };
        membership.join("a");
        opening.await();
        crew().close();
        membership.join("b");
        crew().look();
        assertEquals(List.of(), said);
    }

    @Test
    void aNodeThatDoesNotAnswerIsAskedAgainLater() throws InterruptedException {
        membership.join("a");
        opener = _ -> {
            throw new UncheckedIOException(new IOException("nobody listens"));
        };
        gather();
        assertEquals(List.of("node a does not answer: nobody listens"), said);
        opener = member -> links.computeIfAbsent(member.id(), _ -> new FakeLink());
        await(() -> crew().routes().ports().length == 2);
        assertEquals("node a can be asked from now on", said.getLast(), "it has not done so before");
    }

    /// The other node is tried again behind it each time.
    @Test
    void aNodeThatIsToLeaveIsNotAskedAgain() throws InterruptedException {
        membership.join("a");
        membership.join("b");
        opener = _ -> {
            throw new UncheckedIOException(new IOException("nobody listens"));
        };
        gather();
        crew().without("a");
        opener = member -> links.computeIfAbsent(member.id(), _ -> new FakeLink());
        await(() -> crew().routes().ports().length > 1);
        assertEquals("node b can be asked from now on", said.getLast());
        assertEquals(Set.of("b"), links.keySet());
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        TestCluster.await(condition);
    }

    /// Members that come and go as the test says.
    private static final class FakeMembership implements Membership {
        final FakeTables tables = new FakeTables();
        volatile boolean broken;
        private final List<Member> members = new CopyOnWriteArrayList<>();
        private final List<MembershipListener> listeners = new CopyOnWriteArrayList<>();

        void join(String name) {
            join(FakeLink.member(name));
        }

        void join(Member member) {
            members.add(member);
            listeners.forEach(listener -> listener.onJoined(member));
        }

        void leave(String name) {
            Member member = FakeLink.member(name);
            members.remove(member);
            listeners.forEach(listener -> listener.onLeft(member));
        }

        @Override
        public Member self() {
            throw new UnsupportedOperationException();
        }

        @Override
        public List<Member> members() {
            if (broken) {
                throw new IllegalArgumentException("broken");
            }
            return List.copyOf(members);
        }

        @Override
        public void listen(MembershipListener listener) {
            listeners.add(listener);
        }

        @Override
        public Ownership ownership() {
            return tables;
        }

        @Override
        public Tasks tasks() {
            throw new UnsupportedOperationException();
        }

        @Override
        public void close() {}
    }
}
