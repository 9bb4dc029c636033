package io.moetier.cluster.drive;

import io.moetier.cluster.copy.BlockService;
import io.moetier.cluster.copy.NodeStore;
import io.moetier.cluster.link.GrpcNodeLink;
import io.moetier.cluster.link.NodeLink;
import io.moetier.cluster.link.NodeServer;
import io.moetier.cluster.link.NodeService;
import io.moetier.cluster.link.RefusedException;
import io.moetier.cluster.membership.Belonging;
import io.moetier.cluster.membership.Identity;
import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.Membership;
import io.moetier.cluster.membership.Offer;
import io.moetier.cluster.membership.jgroups.JGroupsMembership;
import io.moetier.cluster.placement.PlacerInput;
import io.moetier.cluster.wire.Hello;
import io.moetier.kernels.device.Owned;
import io.moetier.runtime.remote.Driven;
import io.moetier.runtime.remote.ExpertNodesFactory;
import io.moetier.runtime.remote.SharedExperts;
import io.moetier.storage.expert.StoreManifest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.IntToDoubleFunction;
import java.util.function.UnaryOperator;

/// Makes an engine the driver of a cluster: joins it, offers the blocks of the model to nodes that lack them, and opens
/// ways to the nodes.
///
/// @param belonging the cluster
/// @param name what people call this process
/// @param how how it drives
/// @param judge decides whether nodes compute, whenever some come or go; without one they do
/// @param says is told in sentences who comes and goes, and what was decided
public record ClusterDrive(Belonging belonging, String name, How how, Optional<Judge> judge, Consumer<String> says)
        implements ExpertNodesFactory {
    /// The task by which a member asks a driver to do without a node, whose id is the argument. It is done when the
    /// node has answered what was under way.
    public static final String WITHOUT = "without";

    private static final Duration PATIENCE = Duration.ofSeconds(10);

    /// How a driver drives.
    ///
    /// @param version of the program
    /// @param mixed whether it takes nodes whose kernels compute other bits
    /// @param threads that compute here
    /// @param bytesPerSecond of experts' weights that this machine computes from memory
    /// @param readBytesPerSecond of experts that it reads from its disk
    /// @param uses of an expert in a token, by packed id; empty if nobody has counted
    /// @param placements the folder where it is kept who owned what; empty for nowhere
    public record How(
            String version,
            boolean mixed,
            int threads,
            double bytesPerSecond,
            double readBytesPerSecond,
            Optional<IntToDoubleFunction> uses,
            Optional<Path> placements) {}

    /// Drives all nodes that there are.
    public ClusterDrive(Belonging belonging, String name, How how, Consumer<String> says) {
        this(belonging, name, how, Optional.empty(), says);
    }

    /// Lets somebody decide.
    public ClusterDrive judgedBy(Judge by) {
        return new ClusterDrive(belonging, name, how, Optional.of(by), says);
    }

    @Override
    public ClusterDriver open(Driven engine) {
        return open(engine, member -> member);
    }

    /// @param reached says where this machine reaches a member, if not where it says itself
    ClusterDriver open(Driven engine, UnaryOperator<Member> reached) {
        Owned owned = new Owned();
        try {
            return open(engine, reached, owned);
        } catch (IOException e) {
            try (owned) {
                throw new UncheckedIOException(e);
            }
        } catch (RuntimeException | Error e) {
            try (owned) {
                throw e;
            }
        }
    }

    private ClusterDriver open(Driven engine, UnaryOperator<Member> reached, Owned owned) throws IOException {
        StoreManifest manifest = engine.store().manifest();
        String model = manifest.expertsDigest();
        Identity identity = belonging.identity();
        NodeStore blocks = NodeStore.of(engine.store());
        BlockService service = new BlockService(
                (asked, reader) -> asked.equals(model) ? Optional.of(reader.apply(blocks)) : Optional.empty());
        owned.add(service::close);
        String host = belonging.settings().host();
        NodeServer server = NodeServer.start(host, 0, identity, ClusterDrive::refuse, service.definition());
        owned.add(server::close);
        Offer offer =
                new Offer(Offer.Role.DRIVER, host, server.port(), 0, how.threads(), engine.kernels(), how.version());
        Membership membership = JGroupsMembership.join(belonging, name, offer, true);
        owned.add(membership::close);
        Hello hello = new Hello(
                how.version(),
                engine.kernels(),
                how.mixed(),
                model,
                manifest.bytes(),
                SharedExperts.activations(engine.spec()));
        Uses uses = uses(engine, manifest);
        Allotment.Capacity here =
                new Allotment.Capacity(engine.ramBytes(), how.bytesPerSecond(), how.readBytesPerSecond());
        KeptPlacement kept = new KeptPlacement(
                model,
                PlacerInput.ids(manifest),
                membership.ownership(),
                how.placements().map(folder -> folder.resolve(model + ".placement")),
                says);
        CompletableFuture<Crew> gathered = new CompletableFuture<>();
        membership.tasks().offer(WITHOUT, 1, id -> {
            gathered.get().without(new String(id, StandardCharsets.UTF_8));
            return new byte[0];
        });
        Judging judging = new Judging(judge, says);
        long rowBytes = (long) engine.spec().hiddenSize() * Float.BYTES;
        Crew crew = Crew.gather(
                membership,
                member -> open(reached.apply(member), identity, hello, says),
                new Allotment(manifest, rowBytes, uses, here, kept, judging),
                says);
        owned.add(crew::close);
        gathered.complete(crew);
        return new ClusterDriver(crew, uses, judging, owned);
    }

    private Uses uses(Driven engine, StoreManifest manifest) {
        int expertsPerToken = Math.max(1, engine.spec().mostExpertsPerToken());
        Map<Integer, Integer> numExperts = new HashMap<>();
        manifest.experts()
                .forEach(
                        entry -> numExperts.merge(entry.id().layer(), entry.id().expert() + 1, Math::max));
        return new Uses(how.uses().orElseGet(() -> PlacerInput.equalUses(manifest, expertsPerToken)), numExperts);
    }

    private static NodeService.Guest refuse(Hello hello, Consumer<int[]> ready) {
        throw new RefusedException("this is a driver, which computes for nobody");
    }

    private static NodeLink open(Member member, Identity identity, Hello hello, Consumer<String> says) {
        NodeLink link;
        try {
            link = GrpcNodeLink.open(member.offer().host(), member.offer().port(), identity, hello, PATIENCE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        String kernels = link.welcome().kernels();
        if (!kernels.equals(hello.kernels())) {
            String sentence =
                    "its kernels (" + kernels + ") compute other bits than those here (" + hello.kernels() + ")";
            if (!hello.mixed()) {
                link.close();
                throw new RefusedException(sentence);
            }
            says.accept("node " + member.name() + ": " + sentence);
        }
        return link;
    }
}
