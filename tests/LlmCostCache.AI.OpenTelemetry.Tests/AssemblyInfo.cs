// A meter provider finds meters by name: tests side by side would receive one another's measurements.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
