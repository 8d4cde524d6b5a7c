//! Verdicts and stories: that runs whose end and whose cause are known are told as they are, and that nothing is told
//! where nothing happens.

mod catalogue;
mod causes;
mod conditions;
mod healthy;
mod known;
mod messages;
mod overload;
mod roots;
mod verdicts;
