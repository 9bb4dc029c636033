package io.moetier.cluster.membership.jgroups;

import io.moetier.cluster.membership.Belonging;
import io.moetier.cluster.membership.ClusterSettings;
import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.Membership;
import io.moetier.cluster.membership.MembershipException;
import io.moetier.cluster.membership.MembershipListener;
import io.moetier.cluster.membership.Offer;
import io.moetier.cluster.membership.Offer.Role;
import io.moetier.cluster.membership.Ownership;
import io.moetier.cluster.membership.Tasks;
import io.moetier.cluster.membership.jgroups.Frame.Kind;
import io.moetier.cluster.membership.jgroups.Frame.MalformedException;
import io.moetier.storage.model.MalformedModelException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import javax.net.ssl.SSLContext;
import org.jgroups.Address;
import org.jgroups.BytesMessage;
import org.jgroups.JChannel;
import org.jgroups.MergeView;
import org.jgroups.Message;
import org.jgroups.Receiver;
import org.jgroups.View;
import org.jgroups.logging.LogFactory;
import org.jgroups.protocols.TCPPING;
import org.jgroups.stack.Protocol;
import org.jgroups.util.UUID;
import org.jspecify.annotations.Nullable;

/// Membership by JGroups.
///
/// JGroups says which addresses are there ([View]); each member introduces itself to those it has not seen
/// before, and is one for others from then on. Whoever speaks another version of all this is a member of
/// unknown kind.
///
/// Concurrency: views come from one thread of JGroups' at a time, messages from several. Neither waits for
/// anything: what is to be sent goes to the thread `moetier-cluster-post`, what listeners are told to `moetier-
/// cluster-news`. Of locks there are this one's and that of [ReplicatedTables], and none is taken under the
/// other.
public final class JGroupsMembership implements Membership {
    private static final long MERGE_SECONDS = 30;
    private static final long WAIT_SECONDS = 5; // for others to introduce themselves, and for their tables
    private static final long TELL_SECONDS = 5;
    private static final int MAX_EARLY = 1024; // introductions of who is in no view yet

    final JChannel channel;
    private final Entrance entrance;
    private final Member self;
    private final ScheduledExecutorService postbox;
    private final ExecutorService news;
    private final Post post;
    private final ReplicatedTables tables;
    private final RemoteTasks tasks;
    private final Optional<String> nobody;
    private final List<MembershipListener> listeners = new CopyOnWriteArrayList<>();
    private final Map<Address, Member> introduced = new ConcurrentHashMap<>();
    private volatile View view = Addresses.NOBODY; // changed under the lock of this, as are the two below
    private final Set<Address> announced = new HashSet<>();
    private Optional<Search> search = Optional.empty(); // guarded by this, as is the one below
    private boolean closed;

    private JGroupsMembership(JChannel channel, Entrance entrance, Member self, Optional<String> nobody) {
        this.channel = channel;
        this.entrance = entrance;
        this.self = self;
        this.nobody = nobody;
        postbox = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name("moetier-cluster-post").factory());
        news = Executors.newSingleThreadExecutor(
                Thread.ofPlatform().daemon().name("moetier-cluster-news").factory());
        post = new ChannelPost();
        tables = new ReplicatedTables(post, self.id(), nobody.isPresent());
        tasks = new RemoteTasks(post, this::addressOf);
    }

    /// Makes this process a member.
    ///
    /// @param name what people call this process
    /// @param offer what others may use of it
    /// @param mustFind whether it makes no sense without others; else it may be the first one
    /// @throws MembershipException if it cannot be one, or has not found others although it must
    public static JGroupsMembership join(Belonging belonging, String name, Offer offer, boolean mustFind) {
        LogFactory.useNoopLogger(true); // what it has to say is said by exceptions
        PlainMessages.establish();
        SSLContext context = belonging.identity().context();
        Entrance entrance = Entrance.open(belonging.settings(), context);
        try {
            UUID address = UUID.randomUUID();
            Member self = checked(new Member(Addresses.id(address), name, entrance.place(), offer));
            return join(belonging, context, entrance, self, address, mustFind);
        } catch (RuntimeException e) {
            entrance.close();
            throw e;
        }
    }

    /// Finds out here what others would find out.
    private static Member checked(Member self) {
        try {
            return Introduction.read(self.id(), Introduction.of(self));
        } catch (MalformedModelException e) {
            throw new MembershipException(Objects.requireNonNullElse(e.getMessage(), "introduction"));
        }
    }

    private static JGroupsMembership join(
            Belonging belonging, SSLContext context, Entrance entrance, Member self, UUID address, boolean mustFind) {
        ClusterSettings settings = belonging.settings();
        List<InetSocketAddress> asked = Neighbours.resolve(settings.join(), entrance.address());
        Entrance.Heard heard = entrance.hear();
        Neighbours neighbours = new Neighbours(context, belonging.identity().isSymmetric());
        Optional<String> nobody = neighbours.look(asked, heard);
        if (mustFind && nobody.isPresent()) {
            throw new MembershipException(nobody.get());
        }
        List<InetSocketAddress> others = new ArrayList<>(asked);
        others.addAll(heard.addresses());
        List<Protocol> protocols =
                Stack.of(new MemberSockets(context, entrance.door()), entrance.address(), others, nobody.isPresent());
        JGroupsMembership membership;
        try {
            JChannel channel = new JChannel(protocols);
            channel.getProtocolStack()
                    .getTransport()
                    .getDiagnosticsHandler()
                    .setEnabled(false); // it would hear everybody
            channel.setName(self.name());
            channel.addAddressGenerator(() -> address);
            membership = new JGroupsMembership(channel, entrance, self, nobody);
        } catch (Exception e) {
            throw new MembershipException("JGroups does not start: " + e.getMessage());
        }
        membership.connect(settings.cluster(), nobody.isEmpty(), mustFind);
        if (entrance.hasBeacon()) {
            membership.search(neighbours, others);
        }
        return membership;
    }

    /// @param areThere whether others are
    private void connect(String cluster, boolean areThere, boolean mustFind) {
        channel.setReceiver(new Ears());
        try {
            channel.connect(cluster);
            if (areThere && !hasFoundOthers() && mustFind) {
                throw new MembershipException("members are there, but have not taken this process in");
            }
            var _ = tables.synced().await(WAIT_SECONDS, TimeUnit.SECONDS);
            waitForIntroductions();
        } catch (MembershipException e) {
            close();
            throw e;
        } catch (InterruptedException e) {
            close();
            Thread.currentThread().interrupt();
            throw new MembershipException("interrupted");
        } catch (Exception e) {
            close();
            throw new MembershipException("cannot join: " + e.getMessage());
        }
        var _ = postbox.scheduleWithFixedDelay(tables::tellCoordinator, TELL_SECONDS, TELL_SECONDS, TimeUnit.SECONDS);
    }

    private synchronized void search(Neighbours neighbours, List<InetSocketAddress> others) {
        search = Optional.of(Search.start(
                entrance,
                neighbours,
                others,
                channel.getProtocolStack().findProtocol(TCPPING.class),
                () -> !view.getMembers().isEmpty()
                        && view.getMembers().getFirst().equals(channel.address()),
                place -> members().stream().anyMatch(member -> member.place().equals(place))));
    }

    /// Says whether there are others. An answer of theirs may have been lost; then they find each other as parts of a
    /// cluster do that was cut in two.
    private synchronized boolean hasFoundOthers() throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(MERGE_SECONDS);
        while (view.size() <= 1) {
            long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
            if (left <= 0) {
                return false;
            }
            wait(left);
        }
        return true;
    }

    private synchronized void waitForIntroductions() throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
        while (members().size() < view.size()) {
            long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
            if (left <= 0) {
                return; // they come later, or never
            }
            wait(left);
        }
    }

    /// Returns the port at which this process listens for other members.
    public int port() {
        return entrance.address().getPort();
    }

    /// Returns why this process was the first one, if it was.
    public Optional<String> nobody() {
        return nobody;
    }

    @Override
    public Member self() {
        return self;
    }

    @Override
    public List<Member> members() {
        List<Member> members = new ArrayList<>();
        for (Address address : view.getMembers()) {
            member(address).ifPresent(members::add);
        }
        return members;
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
        return tasks;
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            search.ifPresent(Search::close);
        }
        tasks.close();
        channel.close();
        postbox.shutdownNow();
        news.shutdown();
        entrance.close();
    }

    private Optional<Member> member(Address address) {
        return address.equals(channel.address()) ? Optional.of(self) : Optional.ofNullable(introduced.get(address));
    }

    private Optional<Address> addressOf(String id) {
        return view.getMembers().stream()
                .filter(address -> Addresses.id(address).equals(id))
                .findFirst();
    }

    private void onView(View newView) {
        View before = view;
        Set<Address> apart = apart(newView);
        List<Address> gone = View.leftMembers(before, newView);
        apart.addAll(gone);
        synchronized (this) {
            view = newView;
            for (Address address : gone) {
                Member member = introduced.remove(address);
                if (announced.remove(address) && member != null) {
                    tell(listener -> listener.onLeft(member));
                }
            }
            newView.getMembers().forEach(this::announce);
            notifyAll();
        }
        tasks.onLeft(apart::contains);
        introduce(newView instanceof MergeView ? newView.getMembers() : View.newMembers(before, newView));
        tables.onView(newView);
    }

    /// Returns who was in another part of the cluster, where it may have taken this process for gone.
    private Set<Address> apart(View newView) {
        Set<Address> apart = new HashSet<>();
        if (newView instanceof MergeView merged) {
            for (View part : merged.getSubgroups()) {
                if (!part.containsMember(channel.address())) {
                    apart.addAll(part.getMembers());
                }
            }
        }
        return apart;
    }

    private void introduce(List<Address> others) {
        byte[] hello = Frame.of(Kind.HELLO, Introduction.of(self));
        for (Address other : others) {
            if (!other.equals(channel.address())) {
                post.sendSoon(other, hello);
            }
        }
    }

    /// Tells listeners of a member as soon as it is there and has introduced itself. Called under the lock.
    private void announce(Address address) {
        Member member = introduced.get(address);
        if (member != null && view.containsMember(address) && announced.add(address)) {
            tell(listener -> listener.onJoined(member));
        }
    }

    private void tell(Consumer<MembershipListener> event) {
        try {
            news.execute(() -> listeners.forEach(event));
        } catch (RejectedExecutionException e) {
            // this process has left, and its listeners know
        }
    }

    private void onIntroduced(Address address, Member member) {
        synchronized (this) {
            if (introduced.size() >= MAX_EARLY) {
                introduced.keySet().removeIf(early -> !view.containsMember(early));
            }
            introduced.put(address, member);
            announce(address);
            notifyAll();
        }
    }

    private void onMessage(Message message) {
        Address sender = message.getSrc();
        try {
            Frame frame = Frame.read(message.getArray(), message.getOffset(), message.getLength());
            switch (frame.kind()) {
                case HELLO -> onIntroduced(sender, introduced(sender, frame));
                case TABLE -> tables.onTable(frame, message.getDest() != null);
                case TABLES -> tables.onTables(sender, frame);
                case TASK -> tasks.onTask(sender, frame);
                case CANCEL -> tasks.onCancel(sender, frame);
                case RESULT -> tasks.onResult(sender, frame);
            }
        } catch (MalformedException e) {
            if (!introduced.containsKey(sender) && !sender.equals(channel.address())) {
                onIntroduced(sender, unknown(sender, e));
            }
        }
    }

    private static Member introduced(Address sender, Frame frame) throws MalformedException {
        try {
            return Introduction.read(Addresses.id(sender), frame.bytes(Introduction.MAX_BYTES));
        } catch (MalformedModelException e) {
            throw new MalformedException("says of itself what is not understood");
        }
    }

    private static Member unknown(Address sender, MalformedException why) {
        String id = Addresses.id(sender);
        return new Member(id, id, "", new Offer(Role.UNKNOWN, "", 0, 0, 0, "", String.valueOf(why.getMessage())));
    }

    /// Hears what JGroups has to say.
    private final class Ears implements Receiver {
        @Override
        public void viewAccepted(View newView) {
            onView(newView);
        }

        @Override
        public void receive(Message message) {
            onMessage(message);
        }
    }

    /// Sends by the channel.
    private final class ChannelPost implements Post {
        @Override
        public void send(Address member, byte[] frame) {
            sendTo(member, frame);
        }

        @Override
        public void sendSoon(Address member, byte[] frame) {
            soon(() -> sendTo(member, frame));
        }

        @Override
        public void sendAllSoon(byte[] frame) {
            soon(() -> sendTo(null, frame));
        }

        private void soon(Runnable send) {
            try {
                postbox.execute(send);
            } catch (RejectedExecutionException e) {
                // this process has left
            }
        }

        private void sendTo(@Nullable Address member, byte[] frame) {
            try {
                channel.send(new BytesMessage(member, frame));
            } catch (Exception e) {
                // the channel is closed: whoever waits for an answer is told when it is
            }
        }
    }
}
