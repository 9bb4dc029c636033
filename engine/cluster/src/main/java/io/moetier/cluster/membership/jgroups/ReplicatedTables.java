package io.moetier.cluster.membership.jgroups;

import io.moetier.cluster.membership.Ownership;
import io.moetier.cluster.membership.jgroups.Frame.Kind;
import io.moetier.cluster.membership.jgroups.Frame.MalformedException;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import org.jgroups.Address;
import org.jgroups.View;

/// Tables that every member has a copy of.
///
/// Protocol: each table has a version, a Lamport clock's number and the maker's id, and everybody keeps the greatest
/// that it has heard of; so the order of messages does not matter, nor does hearing twice. Who publishes tells all.
/// Whoever comes, and everybody after each change of the members and every few seconds, tells the coordinator which
/// versions it has; the coordinator sends what is newer, and which versions it has itself, and gets what is newer from
/// the other. What is new to the coordinator and was sent to it alone, it passes on to all. So parts of a cluster that
/// meet again have the same tables as soon as each member has spoken with the coordinator, and a coordinator that dies
/// in the middle of this is replaced by the next one. That a table is forgotten is a version as well, kept until newer
/// ones need its place. No clock comes to its last number unless a member jumps there; of tables with that number the
/// one of the greatest maker stays, and what others publish in its place is passed over, by themselves as well.
final class ReplicatedTables implements Ownership {
    static final int MAX_MODEL_BYTES = 800;
    private static final int MAX_MODEL_CHARACTERS = 200;
    private static final int MAX_ENTRIES = 4 * MAX_TABLES; // forgotten ones among them
    private static final int MAX_ID_BYTES = 64;
    private static final long MAX_NUMBER = Long.MAX_VALUE / 2;

    private final Post post;
    private final String self;
    private final CountDownLatch synced = new CountDownLatch(1);
    private final Map<String, Entry> entries = new TreeMap<>(); // guarded by this, as is all below
    private long clock;
    private View view = Addresses.NOBODY;
    private final Map<String, Version> awaited = new HashMap<>(); // what others have told of, and has not come
    private boolean toldOf; // whether it is known which tables others have

    /// @param alone whether nobody is there
    ReplicatedTables(Post post, String self, boolean alone) {
        this.post = post;
        this.self = self;
        toldOf = alone;
    }

    private record Version(long number, String maker) implements Comparable<Version> {
        static final Version NONE = new Version(0, "");
        private static final Comparator<Version> ORDER =
                Comparator.comparingLong(Version::number).thenComparing(Version::maker);

        @Override
        public int compareTo(Version other) {
            return ORDER.compare(this, other);
        }
    }

    private record Entry(Version version, Optional<byte[]> table) {
        byte[] frame(String model) {
            return Frame.of(
                    Kind.TABLE,
                    model,
                    version.number,
                    version.maker,
                    table.isPresent() ? 1L : 0L,
                    table.orElse(new byte[0]));
        }
    }

    @Override
    public void publish(String model, byte[] table) {
        if (model.isEmpty() || model.length() > MAX_MODEL_CHARACTERS) {
            throw new IllegalArgumentException("model: not from 1 to " + MAX_MODEL_CHARACTERS + " characters");
        }
        if (table.length > MAX_TABLE_BYTES) {
            throw new IllegalArgumentException("table: more than " + MAX_TABLE_BYTES + " bytes: " + table.length);
        }
        put(model, Optional.of(table.clone()));
    }

    @Override
    public void forget(String model) {
        put(model, Optional.empty());
    }

    private synchronized void put(String model, Optional<byte[]> table) {
        Optional<byte[]> before = table(model);
        if (table.isPresent() && before.isEmpty() && models().size() >= MAX_TABLES) {
            throw new IllegalArgumentException("model: there are " + MAX_TABLES + " tables already");
        }
        if (table.isPresent() || before.isPresent()) {
            Entry entry = new Entry(new Version(Math.min(clock + 1, MAX_NUMBER), self), table);
            keep(model, entry);
            post.sendAllSoon(entry.frame(model));
        }
    }

    @Override
    public synchronized Optional<byte[]> table(String model) {
        return Optional.ofNullable(entries.get(model)).flatMap(Entry::table).map(byte[]::clone);
    }

    @Override
    public synchronized Set<String> models() {
        return entries.entrySet().stream()
                .filter(entry -> entry.getValue().table().isPresent())
                .map(Map.Entry::getKey)
                .collect(Collectors.toUnmodifiableSet());
    }

    /// Keeps an entry if it is newer than what is there, and says whether it is.
    private boolean keep(String model, Entry entry) {
        clock = Math.max(clock, entry.version.number);
        if (entry.version.compareTo(versionOf(model)) <= 0) {
            return false;
        }
        entries.put(model, entry);
        if (entries.size() > MAX_ENTRIES) {
            entries.entrySet().stream()
                    .min(Comparator.<Map.Entry<String, Entry>>comparingInt(
                                    old -> old.getValue().table().isPresent() ? 1 : 0)
                            .thenComparing(old -> old.getValue().version()))
                    .map(Map.Entry::getKey)
                    .ifPresent(entries::remove);
        }
        return true;
    }

    private Version versionOf(String model) {
        Entry entry = entries.get(model);
        return entry == null ? Version.NONE : entry.version();
    }

    /// Is told of every change of the members.
    synchronized void onView(View newView) {
        view = newView;
        tellCoordinator();
    }

    /// Tells the coordinator which tables there are here; called every few seconds.
    synchronized void tellCoordinator() {
        if (isCoordinator()) {
            openIfAllIsHere();
        } else if (view.size() > 0) {
            post.sendSoon(view.getCoord(), versions(true));
        }
    }

    private void openIfAllIsHere() {
        if (toldOf && awaited.isEmpty()) {
            synced.countDown();
        }
    }

    private boolean isCoordinator() {
        return view.size() > 0 && Addresses.id(view.getCoord()).equals(self);
    }

    /// Is open once this member has the tables of those that were there before it.
    CountDownLatch synced() {
        return synced;
    }

    private byte[] versions(boolean question) {
        Object[] parts = new Object[2 + 3 * entries.size()];
        parts[0] = question ? 1L : 0L;
        parts[1] = (long) entries.size();
        int i = 2;
        for (Map.Entry<String, Entry> entry : entries.entrySet()) {
            parts[i++] = entry.getKey();
            parts[i++] = entry.getValue().version().number();
            parts[i++] = entry.getValue().version().maker();
        }
        return Frame.of(Kind.TABLES, parts);
    }

    /// Takes a table that a member sent, to all or to this one alone.
    void onTable(Frame frame, boolean toThisAlone) throws MalformedException {
        String model = frame.text(MAX_MODEL_BYTES);
        Version version = version(frame);
        boolean isThere = frame.number() != 0;
        byte[] table = frame.bytes(MAX_TABLE_BYTES);
        synchronized (this) {
            Entry entry = new Entry(version, isThere ? Optional.of(table) : Optional.empty());
            if (keep(model, entry) && toThisAlone && isCoordinator()) {
                post.sendAllSoon(entry.frame(model));
            }
            awaited.computeIfPresent(model, (_, told) -> versionOf(model).compareTo(told) < 0 ? told : null);
            openIfAllIsHere();
        }
    }

    private static Version version(Frame frame) throws MalformedException {
        long number = frame.number();
        if (number <= 0 || number > MAX_NUMBER) {
            throw new MalformedException("counts to " + number);
        }
        return new Version(number, frame.text(MAX_ID_BYTES));
    }

    /// Answers a member that told which versions it has.
    void onTables(Address sender, Frame frame) throws MalformedException {
        boolean question = frame.number() != 0;
        long size = frame.number();
        if (size < 0 || size > MAX_ENTRIES) {
            throw new MalformedException("has " + size + " tables");
        }
        Map<String, Version> theirs = new HashMap<>();
        for (long i = 0; i < size; i++) {
            theirs.put(frame.text(MAX_MODEL_BYTES), version(frame));
        }
        synchronized (this) {
            theirs.forEach((model, version) -> {
                if (version.compareTo(versionOf(model)) > 0) {
                    awaited.put(model, version);
                }
            });
            entries.forEach((model, entry) -> {
                if (entry.version().compareTo(theirs.getOrDefault(model, Version.NONE)) > 0) {
                    post.sendSoon(sender, entry.frame(model));
                }
            });
            if (question) {
                post.sendSoon(sender, versions(false));
            }
            toldOf |= !question || isCoordinator();
            openIfAllIsHere();
        }
    }
}
