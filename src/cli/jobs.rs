//! How many runs go at once, for every command that makes several.

use clap::Args;

/// See the module.
#[derive(Debug, Args)]
pub(super) struct Jobs {
    /// How many runs go at once [default: the number of processors]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

impl Jobs {
    /// Threads for as many runs as were asked for, or else as there are processors.
    pub(super) fn pool(&self) -> rayon::ThreadPool {
        Jobs::pool_of(self.count())
    }

    /// The same, but no more than `most` or the processors, whichever is more: there is nothing to do for others.
    pub(super) fn pool_for(&self, most: usize) -> rayon::ThreadPool {
        Jobs::pool_of(self.count().min(most.max(processors())))
    }

    fn count(&self) -> usize {
        self.jobs.map_or_else(processors, usize::from)
    }

    fn pool_of(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("the system gives threads")
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
