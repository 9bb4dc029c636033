package io.moetier.cli.option;

/// What an option is about: the headings of a command's help, in their order.
public enum Topic {
    USUAL("Used most"),
    PROMPT("Prompt"),
    SAMPLING("Sampling"),
    MEASUREMENT("Measurement"),
    MEMORY("Memory and disk"),
    DEVICE("Device"),
    MODEL("Model"),
    CLUSTER("Cluster"),
    REPORTS("Reports"),
    OTHER("Other");

    private final String heading;

    Topic(String heading) {
        this.heading = heading;
    }

    public String heading() {
        return heading;
    }
}
