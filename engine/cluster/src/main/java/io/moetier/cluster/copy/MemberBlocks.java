package io.moetier.cluster.copy;

import io.moetier.cluster.link.MemberChannel;
import io.moetier.cluster.membership.Identity;
import io.moetier.cluster.membership.Member;
import io.moetier.storage.expert.StoreManifest;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/// The other members of a cluster as sources of blocks, each over a connection of its own.
///
/// Shareable between threads.
public final class MemberBlocks implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60); // without any part of a block

    private final Identity identity;
    private final Map<String, Reached> reached = new HashMap<>(); // by member, guarded by this
    private List<Member> members = List.of(); // guarded by this
    private boolean closed; // guarded by this

    /// The way to a member.
    ///
    /// @param blocks of models, by the digests of their experts
    private record Reached(MemberChannel channel, Map<String, RemoteBlocks> blocks) {}

    public MemberBlocks(Identity identity) {
        this.identity = identity;
    }

    /// Says who is there from now on, this process left out. Waits until the connections to others have ended.
    public void members(List<Member> now) {
        List<Reached> lost = new ArrayList<>();
        synchronized (this) {
            if (closed) {
                return;
            }
            members = now.stream().filter(member -> member.offer().port() > 0).toList();
            Set<String> there = new HashSet<>();
            members.forEach(member -> there.add(member.id()));
            for (String left : Set.copyOf(reached.keySet())) {
                if (!there.contains(left)) {
                    lost.add(Objects.requireNonNull(reached.remove(left)));
                }
            }
        }
        lost.forEach(left -> left.channel().close());
    }

    /// Returns who can be asked for blocks of a model: as long as a member is there, the same source each time, which
    /// knows what it has learnt before.
    public synchronized List<BlockSource> of(StoreManifest manifest) {
        List<BlockSource> sources = new ArrayList<>();
        for (Member member : closed ? List.<Member>of() : members) {
            try {
                Reached way = reached.get(member.id());
                if (way == null) {
                    way = new Reached(
                            MemberChannel.to(
                                    member.offer().host(), member.offer().port(), identity),
                            new HashMap<>());
                    reached.put(member.id(), way);
                }
                MemberChannel channel = way.channel();
                sources.add(way.blocks()
                        .computeIfAbsent(
                                manifest.expertsDigest(),
                                _ -> new RemoteBlocks(member.name(), channel.channel(), manifest, PATIENCE)));
            } catch (IOException e) {
                // nobody is there under that name; when it is another one, the member is another one too
            }
        }
        return sources;
    }

    @Override
    public synchronized void close() {
        closed = true;
        reached.values().forEach(way -> way.channel().close());
        reached.clear();
    }
}
