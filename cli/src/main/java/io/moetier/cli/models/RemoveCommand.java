package io.moetier.cli.models;

import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.runtime.hub.HubName;
import io.moetier.runtime.library.LocalModel;
import io.moetier.runtime.library.LocalModel.Owner;
import io.moetier.runtime.library.LocalModels;
import io.moetier.storage.memory.ByteSize;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Removes models from this machine.
@Command(
        name = "rm",
        description = {
            "Remove models of the hub's cache with their stores, or stores, by the names of list.",
            "What belongs to LM Studio or Ollama stays: they remove it themselves."
        })
public final class RemoveCommand implements Callable<Integer> {
    private final Surroundings surroundings;
    private final Streams streams;

    @Parameters(arity = "1..*", paramLabel = "NAME", description = "Names of list, or hf:ORG/REPO for all of it.")
    List<String> names = new ArrayList<>();

    @Option(names = "--yes", description = "Ask nobody.")
    boolean yes;

    public RemoveCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() {
        LocalModels models = ListCommand.models(surroundings);
        List<LocalModel> all = models.all();
        Set<LocalModel> going = new LinkedHashSet<>();
        names.forEach(name -> going.addAll(found(all, name))); // all of them, or none goes
        going.forEach(models::requireIdle);
        if (!yes && !agrees(going)) {
            return Failure.FAILED;
        }
        for (LocalModel model : going) {
            models.remove(model);
            streams.note("removed: " + described(model));
        }
        return Failure.OK;
    }

    private static List<LocalModel> found(List<LocalModel> all, String name) {
        List<LocalModel> found = all.stream()
                .filter(model -> model.name().equals(name) || (HubName.isNamed(name) && isOf(name, model.name())))
                .toList();
        if (found.isEmpty()) {
            throw new IllegalArgumentException(
                    (name.isBlank() ? "'" + name + "'" : name) + " is not among the names of list");
        }
        found.stream().map(LocalModel::owner).distinct().forEach(owner -> requireOurs(owner, name));
        return found;
    }

    private static boolean isOf(String repository, String name) {
        return name.startsWith(repository + ":") || name.startsWith(repository + "@");
    }

    private static void requireOurs(Owner owner, String name) {
        switch (owner) {
            case HUB, MOETIER -> {}
            case OLLAMA ->
                throw new IllegalArgumentException(
                        name + " belongs to Ollama; remove it by: ollama rm " + name.substring(name.indexOf(':') + 1));
            case LM_STUDIO ->
                throw new IllegalArgumentException(name + " belongs to LM Studio; remove it there, among My Models");
        }
    }

    private boolean agrees(Set<LocalModel> going) {
        if (!surroundings.inputIsTerminal() || !surroundings.errorIsTerminal()) {
            throw new IllegalArgumentException("nobody is there to be asked; --yes removes without asking");
        }
        String list = going.stream().map(RemoveCommand::described).collect(Collectors.joining(", "));
        return LibraryTerminal.agrees("remove " + list + "?", streams);
    }

    private static String described(LocalModel model) {
        String what = switch (model.form()) {
            case GGUF, SAFETENSORS, STORE -> "";
            case OTHERS, UNFINISHED -> ", " + model.form();
        };
        boolean withStores = model.owner() != Owner.MOETIER && !model.stores().isEmpty();
        return model.name() + " (" + ByteSize.format(model.bytes()) + what
                + (withStores ? model.stores().size() == 1 ? " and its store)" : " and its stores)" : ")");
    }
}
